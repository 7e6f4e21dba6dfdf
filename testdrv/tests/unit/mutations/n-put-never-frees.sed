# The last walk to let go of what was put does not free it
# file: walk_cancel.c
# caught by: basic put_from_its_own_callback
s/^		last = !pw_walks_hold(pm, sub);/		last = false;/
