# put frees what a walk holds, and the walk frees it, too
# file: subscription.c
/^void pinwatch_interval_notifier_put/,/^}/s/^	if (!running)/	if (1)/
