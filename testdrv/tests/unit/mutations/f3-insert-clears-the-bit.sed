# insert clears the bits of records in flight, which their ends on other CPUs then do not find
# file: record.c
s/^	WRITE_ONCE(\*word, \*word & ~free);/	WRITE_ONCE(*word, 0);/
