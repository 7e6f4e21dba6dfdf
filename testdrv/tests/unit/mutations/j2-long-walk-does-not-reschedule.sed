# A long walk does not reschedule
# file: walk.c
s/^		cond_resched();/		;/
