# A long walk does not reschedule
# file: walk.c
# caught by: basic long_walk_reschedules
s/^		cond_resched();/		;/
