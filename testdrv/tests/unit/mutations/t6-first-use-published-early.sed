# The page filter comes into use before the older subscriptions are counted
# file: filter.c
s/^	pm->filter.from = 0;/&\n	filter_publish(\&pm->filter, PW_FILTER_ACTIVE);/
