# read_begin returns early
# file: read.c
# caught by: basic reader_waits_for_the_end
s/^	return read_wait(sub, seq);/	return seq;/
