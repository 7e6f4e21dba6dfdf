# The insert that makes a table of the page filter grow is counted in the old table
# file: filter.c
/^static struct pw_filter_slot \*slot_new/,/^}/s/table = table_rebuild(pm, hash);/{\n		struct pw_filter_table *old = table;\n\n		table = table_rebuild(pm, hash);\n		table = old ? old : table;\n	}/
