# remove does not wait for a second pass to come
# file: walk.c
/^static bool walks_hold/,/^}/s/^	if (finish_pending(pm, sub))/	if (0)/
