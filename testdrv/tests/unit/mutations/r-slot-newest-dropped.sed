# A walk stores again what insert has stored
# file: walk.c
s/min(pm->gen, pm->slot_newest\[pw_seq_slot(seq)\])/pm->gen/
