# The readers of a sleeper do not wait for a veto that the kernel has deferred
# file: subscription.c
# caught by: basic idle_mm_with_a_veto_stays
s/^	pw_veto_mark(veto, sub);/	;/
