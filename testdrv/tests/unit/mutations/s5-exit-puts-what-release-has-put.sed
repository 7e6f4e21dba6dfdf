# Module exit puts an mm that release has put
# file: mm.c
# caught by: basic exit_races_with_release
/^void pw_core_exit/,/^}/s/put = pm->registered;/put = true;/
