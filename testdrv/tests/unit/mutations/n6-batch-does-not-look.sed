# A walk does not look for cancelled entries between its callbacks
# file: walk.c
s/^		if (unlikely(READ_ONCE(walk->cancelled)))/		if (0)/
