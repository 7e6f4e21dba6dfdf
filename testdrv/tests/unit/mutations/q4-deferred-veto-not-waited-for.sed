# The readers of a sleeper do not wait for a veto that the kernel has deferred
# file: subscription.c
s/^	pw_veto_mark(veto, sub);/	;/
