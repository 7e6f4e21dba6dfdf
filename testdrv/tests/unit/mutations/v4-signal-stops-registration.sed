# A signal that is not fatal stops the registration
# file: mm.c
# caught by: basic signal_does_not_stop_registration
s/if (ret != -EINTR || fatal_signal_pending(current))/if (ret \&\& ret != 1)/
