# remove does not wait for a second pass to come
# file: walk_cancel.c
# caught by: basic idle_races_with_release
/^bool pw_walks_hold/,/^}/s/^	if (finish_pending(pm, sub))/	if (0)/
