# The hole around a range ignores filtered subscriptions
# file: invalidate.c
# caught by: basic ignored_event_is_not_called_for
s/^	} else if (likely(pm->nr_classes == 1)) {/	} else if (1) {/
