# start relies on the page filter although insert need not look at its record
# file: invalidate.c
s/if (likely(rec->hole_gen == READ_ONCE(pm->gen)) && record_filtered(pm, rec))/if (record_filtered(pm, rec))/
