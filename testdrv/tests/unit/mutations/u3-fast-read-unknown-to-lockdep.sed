# lockdep is not told of a read_begin that does not wait
# file: read.c
# caught by: basic read_begin_in_a_callback_is_reported
/^static __always_inline bool read_fast/,/^}/{/lock_map_/d}
