# A filter not applied to those for which no class was left
# file: walk.c
# caught by: basic more_filters_than_classes
/^static noinline bool sub_declines/,/^}/s/return pw_sub_rejects(.*;/return false;/
