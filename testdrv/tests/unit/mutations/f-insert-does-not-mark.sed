# insert does not mark itself under what is in flight
# file: subscription.c
# caught by: basic insert_is_marked
s/^		pw_record_mark_insert(pm, sub);/		;/
