# Subscriptions with a filter or two passes are taken for plain ones
# file: subscription.c
s/^		pm->plain = false;/		;/
