# A reader that is killed is told that it may go on
# file: read.c
# caught by: basic killable_read_ends_with_a_signal
s/return ret ? -EINTR : 0;/return 0;/
