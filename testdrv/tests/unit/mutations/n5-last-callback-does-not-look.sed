# The last callback of a walk does not look whether somebody waits for it
# file: walk.c
# caught by: basic remove_waits_for_the_last_callback
s/^	if (last && unlikely(\*last & PW_BATCH_FLAGS)) {/	if (0) {/
