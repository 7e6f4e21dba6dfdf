# release delivers RELEASE, no UNMAP
# file: invalidate.c
/release_walk(pm, mm, MMU_NOTIFY_UNMAP, seq);/d
