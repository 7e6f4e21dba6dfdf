# A veto that the kernel did not insert is not freed
# file: veto.c
# caught by: basic fatal_signal_stops_the_first_veto
/^static int veto_insert/,/^}/s/^\t\tkfree(veto);/\t\t;/
