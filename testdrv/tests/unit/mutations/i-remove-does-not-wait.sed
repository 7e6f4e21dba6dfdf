# remove does not wait for a running callback
# file: subscription.c
# caught by: basic remove_waits_for_its_own_callback
s/^	wait_var_event(sub, !pw_walk_running(pm, sub));/	;/
