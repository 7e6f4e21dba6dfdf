# insert of a sleeper does not look whether the mm is being reaped
# file: subscription.c
s/^	if (check_stable_address_space(sub->mm))/	if (0)/
