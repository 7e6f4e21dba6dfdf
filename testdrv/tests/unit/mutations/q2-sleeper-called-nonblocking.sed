# A sleeper is called for a range that is not blockable
# file: walk.c
/^static unsigned int walk_nr_classes/,/^}/s/^	if (mmu_notifier_range_blockable(walk->range))/	if (1)/
