# The spare veto is not allocated again after the worker had no memory
# file: veto.c
s/^	queue = !pm->spare_veto && !pm->spare_pending;/	queue = false;/
