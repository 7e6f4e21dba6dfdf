# The page filter is not read at the level of a new subscription
# file: filter.c
# caught by: basic filter_counts_many_on_a_page
s/^		filter_publish(&pm->filter, levels | BIT(level));/		;/
