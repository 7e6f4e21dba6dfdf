# Of many second passes, those behind others in a walk are forgotten
# file: walk_cancel.c
# caught by: basic remove_waits_for_second_passes_of_others
s/for (link = walk->finish; link;/for (link = NULL; link;/
