# remove does not announce itself to the callback of an invalidation that overlaps nothing else
# file: walk_cancel.c
# caught by: basic put_while_running_twice
s/^		batch_cancel(pm, &call->entry, 1, .*/		;/
