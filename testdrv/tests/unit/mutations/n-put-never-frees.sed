# The last walk to let go of what was put does not free it
# file: walk_cancel.c
s/^		last = !pw_walks_hold(pm, sub);/		last = false;/
