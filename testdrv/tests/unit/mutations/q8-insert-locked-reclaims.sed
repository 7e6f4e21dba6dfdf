# insert_locked of a sleeper waits for memory reclaim
# file: veto.c
# caught by: basic insert_locked_of_a_sleeper_does_not_reclaim
/^static struct pw_veto \*veto_get/,/^}/s/locked ? veto_take_spare(pm) : veto_alloc()/veto_alloc()/
