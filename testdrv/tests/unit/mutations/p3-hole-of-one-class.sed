# The hole around a range ignores filtered subscriptions
# file: invalidate.c
s/^	} else if (likely(pm->nr_classes == 1)) {/	} else if (1) {/
