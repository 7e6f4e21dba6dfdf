# A lost end that is reclaimed wakes nobody
# file: invalidate.c
/^static void start_reclaim/,/^}/s/^	wake_up_all(&pm->read_wq);/	;/
