# The spare veto is not allocated again after the worker had no memory
# file: veto.c
# caught by: basic insert_locked_of_a_sleeper_does_not_reclaim
s/^	queue = !pm->spare_veto && !pm->spare_pending;/	queue = false;/
