# Subscriptions with a filter or two passes are taken for plain ones
# file: subscription.c
# caught by: basic ignored_event_is_not_called_for
s/^		pm->plain = false;/		;/
