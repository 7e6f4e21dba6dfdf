# remove does not wait for a running callback
# file: subscription.c
s/^	wait_event(pm->remove_wq, !pw_walk_running(pm, sub));/	;/
