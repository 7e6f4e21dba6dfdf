# A table of the page filter is published before it is filled
# file: filter_table.c
# caught by: basic filter_is_read_while_a_table_is_rebuilt
s/^	table->mask = size - 1;/&\n	rcu_assign_pointer(filter->tables->table[pw_filter_table_nr(hash)], table);/
