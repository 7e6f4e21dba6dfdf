# The last walk to let go of what was put does not free it
# file: walk.c
s/^		last = !walks_hold(pm, sub);/		last = false;/
