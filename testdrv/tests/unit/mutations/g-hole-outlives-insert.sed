# The generation check of the hole cache dropped
# file: invalidate.c
# caught by: basic insert_is_marked
s/rec->hole_gen == READ_ONCE(pm->gen) &&/rec->hole_gen \&\&/
