# remove does not wait for the callback of an invalidation that overlaps nothing else
# file: walk_cancel.c
# caught by: basic put_while_running_twice
s/^		if (batch_holds(&call->entry, 1, &call->pos, sub))/		if (0)/
