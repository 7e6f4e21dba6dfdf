# The lock is held over any number of subscriptions that decline
# file: walk.c
# caught by: basic walk_drops_the_lock_over_what_declines
s/^			left--;/			;/
