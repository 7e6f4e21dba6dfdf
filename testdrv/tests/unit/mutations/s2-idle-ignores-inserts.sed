# A first insert under way does not keep its mm
# file: mm.c
/^static bool mm_let_go/,/^}/s/!pm->nr_subs \&\&$/pm->nr_subs <= 1 \&\& !pm->classes[0].tree.rb_node \&\&/
