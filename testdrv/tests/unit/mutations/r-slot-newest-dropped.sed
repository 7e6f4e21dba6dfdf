# A walk stores again what insert has stored
# file: walk.c
# caught by: basic insert_races_with_start
s/min(pm->gen, pm->slot_newest\[pw_seq_slot(seq)\])/pm->gen/
