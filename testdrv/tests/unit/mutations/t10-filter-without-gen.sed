# start relies on the page filter although insert need not look at its record
# file: invalidate.c
# caught by: basic filter_races_with_insert
s/ && likely(rec->hole_gen == READ_ONCE(pm->gen)))$/)/
