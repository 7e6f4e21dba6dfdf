# A walk does not look for cancelled entries between its callbacks
# file: walk.c
# caught by: basic remove_waits_for_its_own_callback
s/^		if (unlikely(READ_ONCE(walk->cancelled)))/		if (0)/
