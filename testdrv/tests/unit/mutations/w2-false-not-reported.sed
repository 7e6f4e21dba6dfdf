# A callback that returns false for a blockable range is not reported
# file: walk.c
# caught by: basic false_from_a_callback_is_told
/^void pw_walk_complain/,/^}/s/pr_warn_once(/(void)(/
