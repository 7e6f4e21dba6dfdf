# insert ignores invalidations for whose record there was no memory
# file: record.c
# caught by: basic insert_beside_a_start_without_a_record
s/if (pw_nr_anon(pm) \&\& pw_record_overlaps/if (0 \&\& pw_record_overlaps/
