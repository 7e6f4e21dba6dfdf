# lockdep is not told that the callbacks of a walk run
# file: walk.c
# caught by: basic read_begin_in_a_callback_is_reported
/^static __always_inline void walk_call(/,/^}/{/lock_map_/d}
