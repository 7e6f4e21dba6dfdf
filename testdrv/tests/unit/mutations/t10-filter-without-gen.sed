# start relies on the page filter although insert need not look at its record
# file: invalidate.c
s/ && likely(rec->hole_gen == READ_ONCE(pm->gen)))$/)/
