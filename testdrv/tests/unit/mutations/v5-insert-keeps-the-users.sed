# insert keeps the memory of the process
# file: subscription.c
# caught by: basic release_then_unmap
s/^\tmmput_async(mm);//
