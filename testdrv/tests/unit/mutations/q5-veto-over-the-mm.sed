# The veto covers the whole mm
# file: veto.c
s/^	return max_t(unsigned int, fls64(start ^ last), bits);/	return BITS_PER_LONG;/
