# lockdep is not told that a second pass runs
# file: walk.c
# caught by: basic read_begin_in_a_second_pass_is_reported
/^static noinline void walk_finish/,/^}/{/lock_map_/d}
