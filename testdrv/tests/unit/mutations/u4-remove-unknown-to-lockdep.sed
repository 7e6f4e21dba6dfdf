# lockdep is not told that remove may wait
# file: subscription.c
# caught by: basic remove_in_a_callback_is_reported
/^void pinwatch_interval_notifier_remove/,/^}/{/lock_map_/d}
