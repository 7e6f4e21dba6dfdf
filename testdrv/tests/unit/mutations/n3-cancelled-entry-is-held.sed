# A cancelled entry keeps the address of what it was
# file: walk_cancel.c
# caught by: basic put_from_anothers_callback
/^static void batch_cancel/,/^}/s/^			WRITE_ONCE(batch\[i\], PW_BATCH_CANCELLED);/			;/
