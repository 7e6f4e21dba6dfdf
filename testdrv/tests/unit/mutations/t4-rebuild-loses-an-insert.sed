# The insert that makes a table of the page filter grow is counted in the old table
# file: filter_table.c
# caught by: basic filter_without_memory_for_a_larger_table
/^struct pw_filter_slot \*pw_filter_slot_new/,/^}/s/table = table_rebuild(filter, hash);/{\n		struct pw_filter_table *old = table;\n\n		table = table_rebuild(filter, hash);\n		table = old ? old : table;\n	}/
