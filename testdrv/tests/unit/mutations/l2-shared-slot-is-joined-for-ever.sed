# Invalidations join a shared slot as long as it is in use
# file: record.c
/^static unsigned int shared_choose/,/^}/s/pm->join = !pm->join;/;/
