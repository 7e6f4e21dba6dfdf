# Only the first of several overlaps is called
# file: invalidate.c
# caught by: basic remove_waits_for_its_own_callback
s/^	       !pw_tree_following(first, range->start, range_last(range));/	       true;/
