# remove clears a page that many subscriptions covered, although some still do
# file: filter.c
# caught by: basic filter_counts_many_on_a_page
s/less = PW_FILTER_COUNT_MAX - granule_recount(pm, level, first)/less = 1/
