# Invalidations join a shared slot as long as it is in use
# file: record.c
# caught by: basic shared_slots_starve_no_reader
/^static unsigned int shared_choose/,/^}/s/pm->join = !pm->join;/;/
