# The reader of a sleeper waits for the deferred vetoes of all blocks
# file: veto.c
/^bool pw_veto_deferred/,/^}/s/^	return !list_empty(&veto->unsettled_node);/	return veto;/
