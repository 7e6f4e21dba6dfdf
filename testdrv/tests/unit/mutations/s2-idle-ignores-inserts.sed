# A first insert under way does not keep its mm
# file: mm.c
# caught by: basic insert_under_way_is_not_idle
/^static bool mm_let_go/,/^}/s/!pm->nr_subs \&\&$/pm->nr_subs <= 1 \&\& !pm->classes[0].tree.rb_node \&\&/
