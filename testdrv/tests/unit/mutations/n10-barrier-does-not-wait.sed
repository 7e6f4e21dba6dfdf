# barrier does not wait for ops->free()
# file: subscription.c
# caught by: basic barrier_waits_for_a_put
s/^\twait_event(puts_wq, .*//
