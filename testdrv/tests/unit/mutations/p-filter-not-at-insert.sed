# A filter not applied to what is in flight at insert
# file: record.c
# caught by: basic insert_marks_by_the_filter
/^static void mark_record/,/^}/s/^	    pw_sub_rejects(sub, rec->event, rec->owner))/	    0)/
