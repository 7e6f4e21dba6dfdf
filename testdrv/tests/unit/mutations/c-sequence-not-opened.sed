# The sequence bump dropped: callbacks are given a value that is in flight nowhere
# file: slot.h
# caught by: basic callback_precedes_the_change
s/^	smp_store_release(&pm->seqs\[slot\], pw_seq_next(pm, slot));/	(void)pw_seq_next(pm, slot);/
