# Callbacks are given the bounds of an unaligned range
# file: invalidate.c
# caught by: basic unaligned_and_last_page
s/rounded.start = range->start \& PAGE_MASK;/rounded.start = range->start;/
