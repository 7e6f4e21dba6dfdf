# The sequence bump dropped: a slot's value is not new
# file: core.h
s/pm->seq_next++ << PW_SEQ_SLOT_BITS/pm->seq_next << PW_SEQ_SLOT_BITS/
