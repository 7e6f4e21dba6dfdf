# The sequence bump dropped: a slot's value is not new
# file: slot.h
# caught by: basic errors
s/pm->seq_next = seq + PW_NR_SLOTS;/pm->seq_next = seq;/
