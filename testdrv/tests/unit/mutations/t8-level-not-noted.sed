# The page filter is not read at the level of a new subscription
# file: filter.c
s/^		filter_publish(&pm->filter, levels | BIT(level));/		;/
