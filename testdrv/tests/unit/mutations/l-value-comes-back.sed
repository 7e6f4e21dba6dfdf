# A value that comes back is taken for unchanged
# file: read.c
# caught by: basic shared_value_stored_twice
s/^		wait->seq = PW_SEQ_NEVER;/		;/
s/^	wait->limit = 0;/	spin_lock(\&wait->pm->lock); wait->limit = pw_seq_next(wait->pm, PW_SLOT_IDLE); spin_unlock(\&wait->pm->lock);/
