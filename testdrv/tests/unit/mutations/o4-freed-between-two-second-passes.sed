# put frees at the first of several pending second passes
# file: walk.c
# caught by: basic put_is_freed_after_all_second_passes
s/ \&\& !pw_walks_hold(pm, sub);/;/
