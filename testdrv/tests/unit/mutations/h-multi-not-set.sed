# PW_SUB_MULTI not set by the walk
# file: walk.c
s/WRITE_ONCE(sub->state, sub->state | PW_SUB_MULTI);/;/
