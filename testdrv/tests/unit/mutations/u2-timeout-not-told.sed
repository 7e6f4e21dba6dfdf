# A reader whose time is over is told that it may go on
# file: read.c
# caught by: basic bounded_read_gives_up
s/return left ? 0 : -EBUSY;/return 0;/
