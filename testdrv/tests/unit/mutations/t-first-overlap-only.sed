# Only the first of several overlaps is called
# file: invalidate.c
s/^	       !pw_tree_following(first, range->start, range_last(range));/	       true;/
