# Second passes beyond those that a subscription can count are forgotten
# file: walk_cancel.c
s/^	return finishes == PW_SUB_FINISHES ? finish_search(pm, sub) : finishes;/	return finishes \&\& finishes != PW_SUB_FINISHES;/
