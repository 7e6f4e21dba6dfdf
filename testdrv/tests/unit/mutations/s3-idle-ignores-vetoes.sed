# The idle worker lets go of an mm with a veto
# file: mm.c
# caught by: basic idle_mm_with_a_veto_stays
/idle = pm->registered/s/ && !pm->nr_subs &&$/ \&\& !pm->nr_subs;/
/^	       RB_EMPTY_ROOT(&pm->vetoes);/d
