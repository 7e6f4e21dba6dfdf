# The lock is held over any number of subscriptions that decline
# file: walk.c
s/^			left--;/			;/
