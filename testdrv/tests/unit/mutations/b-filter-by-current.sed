# `current` used as a filter
# file: invalidate.c
# caught by: basic other_tasks_invalidate
/^static int mn_invalidate_range_start/,/^}/s/^	preempt_disable();/	if (current->mm != range->mm)\n		return 0;\n&/
