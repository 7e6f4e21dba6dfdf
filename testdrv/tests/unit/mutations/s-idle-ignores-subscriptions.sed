# The idle worker lets go of an mm in use
# file: mm.c
# caught by: basic idle_mm_is_let_go
s/ \&\& pm->open \&\& !pm->nr_subs \&\&$/ \&\& pm->open \&\&/
