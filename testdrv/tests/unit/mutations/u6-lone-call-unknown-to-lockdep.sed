# lockdep is not told that the callback of one overlap runs
# file: invalidate.c
# caught by: basic read_begin_in_a_callback_is_reported
/^static __always_inline void start_one/,/^}/{/lock_map_/d}
