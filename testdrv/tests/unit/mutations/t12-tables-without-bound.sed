# The tables of the page filter grow without bound
# file: filter_table.c
# caught by: basic filter_memory_is_bounded
/^static unsigned int table_size/,/^}/s/pw_filter_table_max);/UINT_MAX);/
