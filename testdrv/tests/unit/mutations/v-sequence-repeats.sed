# Each mm takes the same block of sequence values
# file: mm.c
# caught by: basic sequence_never_repeats
s/atomic64_fetch_add(1, \&seq_blocks)/atomic64_fetch_add(0, \&seq_blocks)/
