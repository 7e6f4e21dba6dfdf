# A start that insert has marked calls what insert has marked
# file: invalidate.c
# caught by: basic insert_races_with_start
s/pm->plain && rec->slot == PW_SLOT_NONE &&/pm->plain \&\&/
