# The generation check of the hole cache dropped
# file: invalidate.c
s/rec->hole_gen == READ_ONCE(pm->gen) &&/rec->hole_gen \&\&/
