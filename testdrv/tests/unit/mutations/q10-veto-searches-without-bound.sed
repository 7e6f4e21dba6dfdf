# The veto asks any number of sleepers under the lock
# file: walk.c
# caught by: basic veto_refuses_what_it_cannot_search
s/if (!left-- ||$/if (/
