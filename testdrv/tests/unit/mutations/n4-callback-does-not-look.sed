# A callback that returns does not look whether somebody waits for it
# file: core.h
s/^	if (unlikely(entry & PW_BATCH_FLAGS))/	if (0)/
