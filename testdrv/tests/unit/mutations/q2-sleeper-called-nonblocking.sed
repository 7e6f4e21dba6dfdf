# A sleeper is called for a range that is not blockable
# file: walk.c
s/^	if (sub->state & PW_SUB_SLEEPS && !mmu_notifier_range_blockable(range))/	if (0)/
