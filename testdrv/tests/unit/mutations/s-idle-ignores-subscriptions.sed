# The idle worker lets go of an mm in use
# file: mm.c
s/ \&\& pm->open \&\& !pm->nr_subs \&\&$/ \&\& pm->open \&\&/
