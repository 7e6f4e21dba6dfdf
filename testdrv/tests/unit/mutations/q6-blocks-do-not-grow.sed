# The blocks of the vetoes do not grow with their number
# file: veto.c
s/fls64(pm->nr_vetoes \/ VETO_NR_SMALL)/0/
