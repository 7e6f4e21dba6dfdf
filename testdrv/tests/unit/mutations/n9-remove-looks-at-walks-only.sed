# remove looks at the walks only, and not at the callbacks in the slots
# file: subscription.c
# caught by: basic put_while_running_twice
s/if (unlikely(pm->slots_used | (unsigned long)pm->walks.first))/if (unlikely(!hlist_empty(\&pm->walks)))/
