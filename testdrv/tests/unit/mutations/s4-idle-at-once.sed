# An mm is let go before it was idle for idle_ms
# file: mm.c
# caught by: basic idle_time_begins_anew
s/put = idle \&\& !time_before(jiffies, due);/put = idle;/
