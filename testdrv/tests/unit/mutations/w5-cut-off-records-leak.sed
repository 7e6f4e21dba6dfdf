# Records of invalidations whose ends release has cut off are not freed
# file: mm.c
# caught by: basic release_frees_records
s/^\t\t\tkfree(extra);/\t\t\t;/
