# The position is stored before the callback, so remove does not wait for the callback
# file: invalidate.c
/^static __always_inline void start_one/,/^}/{
s/^	smp_store_release(&call->pos, 1);//
s/^	if (unlikely(!sub->ops->invalidate(sub, range, seq)))/	smp_store_release(\&call->pos, 1);\n&/
}
