# remove does not wait for a running callback
# file: subscription.c
s/^	wait_var_event(sub, !pw_walk_running(pm, sub));/	;/
