# insert_locked of a sleeper waits for memory reclaim
# file: veto.c
/^static struct pw_veto \*veto_get/,/^}/s/locked ? veto_take_spare(pm) : veto_alloc()/veto_alloc()/
