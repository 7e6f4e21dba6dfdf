# The veto covers the whole mm
# file: veto.c
s/VETO_BLOCK_BITS);/BITS_PER_LONG);/
