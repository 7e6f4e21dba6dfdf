# A registration that failed leaves the state of the mm
# file: mm.c
# caught by: basic errors_under_the_mmap_lock
/^static struct pw_mm \*mm_register/,/^}/s/^\t\tkvfree(pm);//
