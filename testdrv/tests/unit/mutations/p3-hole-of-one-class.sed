# The hole around a range ignores filtered subscriptions
# file: invalidate.c
s/ && pm->nr_classes == 1)/)/
