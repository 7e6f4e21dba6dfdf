# Callers that follow each other keep the memory of a dead process
# file: mm.c
# caught by: basic users_end_with_the_process
s/^\(\theld = \)!mm_deserted(pm) \&\& /\1/
