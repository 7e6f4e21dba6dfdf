# insert drops the records in flight from those that it looks at
# file: record.c
# caught by: basic insert_is_marked
s/^		if (likely(!READ_ONCE(recs\[__ffs(bits)\].key)))/		if (1)/
