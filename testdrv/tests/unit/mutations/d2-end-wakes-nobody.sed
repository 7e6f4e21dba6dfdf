# The end of an invalidation does not wake its readers
# file: read.c
s/^		pm->slots_waited |= BIT(wait->slot);/		;/
