# release delivers RELEASE, no UNMAP
# file: invalidate.c
# caught by: basic release_then_unmap
/release_walk(pm, mm, MMU_NOTIFY_UNMAP, seq);/d
