# PW_SUB_MULTI cleared under later invalidations whose callbacks have not run
# file: read.c
/^	if (slot == PW_SLOT_NONE &&$/{
N
s/.*/	if (slot == PW_SLOT_NONE) {/
}
