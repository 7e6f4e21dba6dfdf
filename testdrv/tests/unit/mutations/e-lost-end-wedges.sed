# A lost end after release: the dead override dropped
# file: read.c
# caught by: basic lost_end_after_release
s/if (pm->dead || READ_ONCE/if (READ_ONCE/
s/READ_ONCE(wait->pm->dead) ||/false ||/
