# The end of an invalidation does not wake its readers
# file: read.c
# caught by: basic reader_waits_for_the_end
s/^		pm->slots_waited |= BIT(wait->slot);/		;/
