# The reader of a sleeper waits for the deferred vetoes of all blocks
# file: veto.c
# caught by: basic reader_waits_for_its_own_veto_only
/^bool pw_veto_deferred/,/^}/s/^	return !list_empty(&veto->unsettled_node);/	return veto;/
