# start reads the page filter before it publishes its record
# file: invalidate.c
# caught by: basic filter_is_read_while_a_page_is_inserted
s/^\/\* The filter may help, and no subscription is newer.*/static bool early_covers;\n\n&/
/^static noinline void start_filtered(/,/^}/s/record_filtered(pm, rec)/!early_covers/
/^static int mn_invalidate_range_start/,/^}/{
s/^	struct pw_record \*rec;/&\n	bool covers = pw_filter_covers(\&pm->filter, start, last);/
s/^	start_outside(/	early_covers = covers;\n&/
}
