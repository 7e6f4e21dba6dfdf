# remove leaves pages covered without a subscription
# file: filter.c
# caught by: basic overlapping_ends_of_many
s/^			WRITE_ONCE(\*word, \*word - ones);/			;/
