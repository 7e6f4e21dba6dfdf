# insert does not mark itself under what is in flight
# file: subscription.c
s/^		pw_record_mark_insert(pm, sub);/		;/
