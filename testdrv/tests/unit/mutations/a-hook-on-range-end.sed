# The hook moved to range_end
# file: invalidate.c
# caught by: basic callback_precedes_the_change
s/\.invalidate_range_start = mn_invalidate_range_start,//
s/\.invalidate_range_end = mn_invalidate_range_end,/.invalidate_range_end = late_end,/
/^const struct mmu_notifier_ops pw_mn_ops/i\
static void late_end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)\
{\
	mn_invalidate_range_start(mn, range);\
	mn_invalidate_range_end(mn, range);\
}
