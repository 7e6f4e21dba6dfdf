# insert counts a subscription in the page filter after its barrier and its unlock
# file: subscription.c
# caught by: basic filter_without_memory
/^static __always_inline void sub_link(/,/^}/{
/pw_filter_wanted/d
/pw_filter_insert/d
}
/^static __always_inline int sub_insert(/,/^}/s/^	pw_lookup_end();/	if (!ret \&\& pw_filter_wanted(\&pm->filter, pm->nr_subs)) {\n		spin_lock(\&pm->lock);\n		pw_filter_insert(pm, sub);\n		spin_unlock(\&pm->lock);\n	}\n&/
