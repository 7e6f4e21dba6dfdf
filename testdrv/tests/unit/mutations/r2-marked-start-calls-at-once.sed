# A start that insert has marked calls what insert has marked
# file: invalidate.c
s/pm->plain && rec->slot == PW_SLOT_NONE &&/pm->plain \&\&/
