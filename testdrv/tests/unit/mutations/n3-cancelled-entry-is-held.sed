# A cancelled entry keeps the address of what it was
# file: walk.c
/^bool pw_walk_cancel/,/^}/s/^				WRITE_ONCE(walk->batch\[i\], PW_BATCH_CANCELLED);/				;/
