# A remove counts a page anew however many subscriptions cover it
# file: filter.c
# caught by: basic filter_recount_is_bounded
s/^\tif (filter->recount_left) {/\tif (true) {/
