# The veto in the classic notifier, which wedges others
# file: invalidate.c
/^static int mn_invalidate_range_start/,/^}/s/^	preempt_disable();/	if (!mmu_notifier_range_blockable(range))\n		return -EAGAIN;\n&/
