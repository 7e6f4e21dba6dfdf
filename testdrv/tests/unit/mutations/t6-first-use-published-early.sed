# The page filter comes into use before the older subscriptions are counted
# file: filter.c
# caught by: basic filter_is_read_while_it_comes_into_use
s/^	pm->filter.from = 0;/&\n	filter_publish(\&pm->filter, PW_FILTER_ACTIVE);/
