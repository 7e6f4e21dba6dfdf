# insert takes an mm that the idle worker has closed
# file: mm.c
# caught by: basic idle_worker_meets_insert
/^static struct pw_mm \*mm_reserve/,/^}/s/open = pm->open;/open = true;/
