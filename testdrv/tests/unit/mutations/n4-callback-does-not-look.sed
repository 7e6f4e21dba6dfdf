# A callback that returns does not look whether somebody waits for it
# file: walk.c
s/^		if (unlikely(READ_ONCE(pm->nr_waiters)))/		if (0)/
