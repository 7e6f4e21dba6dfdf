# A caller that asks for the statistics of the next mm misses mms
# file: stats.c
# caught by: basic stats_skip_no_mm
s/pm->number < lowest->number/pm->number > lowest->number/
