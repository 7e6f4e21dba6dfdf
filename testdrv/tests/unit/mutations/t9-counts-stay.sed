# remove leaves pages covered without a subscription
# file: filter.c
s/^			WRITE_ONCE(\*word, \*word - ones);/			;/
