# The page filter stays in use without a subscription for which there was no memory
# file: filter.c
# caught by: basic filter_without_memory
/^static noinline void filter_miss/,/^}/s/filter_publish(&pm->filter, 0);/;/
