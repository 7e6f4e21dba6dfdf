# A value that comes back is taken for unchanged
# file: read.c
s/^		wait->seq = PW_SEQ_NEVER;/		;/
s/pw_seq_slot(seq) == PW_SLOT_COARSE ? ULONG_MAX :/0 ? ULONG_MAX :/
