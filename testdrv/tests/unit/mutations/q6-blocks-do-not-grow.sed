# The blocks of the vetoes do not grow with their number
# file: veto.c
# caught by: basic blocks_grow_with_their_number
s/fls64(pm->nr_vetoes \/ VETO_NR_SMALL)/0/
