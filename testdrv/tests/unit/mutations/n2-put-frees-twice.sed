# put frees what a walk holds, and the walk frees it, too
# file: subscription.c
# caught by: basic idle_races_with_release
/^void pinwatch_interval_notifier_put/,/^}/s/^	if (!running)/	if (1)/
