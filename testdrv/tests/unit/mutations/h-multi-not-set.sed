# PW_SUB_MULTI not set by the walk
# file: walk.c
# caught by: basic earlier_of_two_is_waited_for
s/WRITE_ONCE(sub->state, sub->state | PW_SUB_MULTI);/;/
