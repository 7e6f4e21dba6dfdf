# A callback that returns does not look whether somebody waits for it
# file: walk.h
# caught by: basic remove_waits_for_its_own_callback
s/^	if (unlikely(entry & PW_BATCH_FLAGS))/	if (0)/
