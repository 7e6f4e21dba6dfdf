// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ABI's layout, the same for 32-bit and 64-bit callers. Compiled by
 * scripts/check/uapi. A line here changes only together with the ABI's version.
 */
#include <linux/pinwatch.h>
#include <linux/pinwatch_netlink.h>

#define SIZE(name, size) \
	_Static_assert(sizeof(struct name) == (size), "size of " #name)
#define AT(name, member, offset) \
	_Static_assert(__builtin_offsetof(struct name, member) == (offset), #name "." #member)
#define IOCTL(cmd, nr, name) \
	_Static_assert((cmd) == (3u << 30 | (unsigned int)sizeof(struct name) << 16 | 0xbdu << 8 | (nr)), #cmd)
#define NUMBER(name, value) \
	_Static_assert((name) == (value), #name)

SIZE(pinwatch_gen, 16);
AT(pinwatch_gen, generation, 0);
AT(pinwatch_gen, generation32, 8);
AT(pinwatch_gen, reserved, 12);

SIZE(pinwatch_info, 88);
AT(pinwatch_info, size, 0);
AT(pinwatch_info, flags, 4);
AT(pinwatch_info, abi_major, 8);
AT(pinwatch_info, abi_minor, 12);
AT(pinwatch_info, features, 16);
AT(pinwatch_info, page_size, 24);
AT(pinwatch_info, event_size, 28);
AT(pinwatch_info, max_watches, 32);
AT(pinwatch_info, nr_watches, 36);
AT(pinwatch_info, gen_map_size, 40);
AT(pinwatch_info, max_pin_pages, 48);
AT(pinwatch_info, watch_flags, 56);
AT(pinwatch_info, events, 60);
AT(pinwatch_info, causes, 64);
AT(pinwatch_info, hits_offset, 72);
AT(pinwatch_info, reserved, 80);

SIZE(pinwatch_watch_add, 64);
AT(pinwatch_watch_add, size, 0);
AT(pinwatch_watch_add, flags, 4);
AT(pinwatch_watch_add, addr, 8);
AT(pinwatch_watch_add, length, 16);
AT(pinwatch_watch_add, cookie, 24);
AT(pinwatch_watch_add, id, 32);
AT(pinwatch_watch_add, ignore_events, 36);
AT(pinwatch_watch_add, generation, 40);
AT(pinwatch_watch_add, nr_pages, 48);
AT(pinwatch_watch_add, touched_shift, 56);
AT(pinwatch_watch_add, reserved, 60);

SIZE(pinwatch_watch_del, 24);
AT(pinwatch_watch_del, size, 0);
AT(pinwatch_watch_del, flags, 4);
AT(pinwatch_watch_del, id, 8);
AT(pinwatch_watch_del, reserved, 12);
AT(pinwatch_watch_del, generation, 16);

SIZE(pinwatch_event, 128);
AT(pinwatch_event, size, 0);
AT(pinwatch_event, flags, 4);
AT(pinwatch_event, cookie, 8);
AT(pinwatch_event, id, 16);
AT(pinwatch_event, events, 20);
AT(pinwatch_event, start, 24);
AT(pinwatch_event, end, 32);
AT(pinwatch_event, generation, 40);
AT(pinwatch_event, count, 48);
AT(pinwatch_event, time_ns, 56);
AT(pinwatch_event, touched, 64);
AT(pinwatch_event, causes, 72);
AT(pinwatch_event, touched_shift, 80);
AT(pinwatch_event, tid, 84);
AT(pinwatch_event, tgid, 88);
AT(pinwatch_event, comm, 92);
AT(pinwatch_event, reserved, 108);

SIZE(pinwatch_watch_repin, 32);
AT(pinwatch_watch_repin, size, 0);
AT(pinwatch_watch_repin, flags, 4);
AT(pinwatch_watch_repin, id, 8);
AT(pinwatch_watch_repin, result_flags, 12);
AT(pinwatch_watch_repin, generation, 16);
AT(pinwatch_watch_repin, nr_pages, 24);

SIZE(pinwatch_watch_query, 128);
AT(pinwatch_watch_query, size, 0);
AT(pinwatch_watch_query, flags, 4);
AT(pinwatch_watch_query, id, 8);
AT(pinwatch_watch_query, state, 12);
AT(pinwatch_watch_query, addr, 16);
AT(pinwatch_watch_query, length, 24);
AT(pinwatch_watch_query, cookie, 32);
AT(pinwatch_watch_query, generation, 40);
AT(pinwatch_watch_query, valid_generation, 48);
AT(pinwatch_watch_query, hits, 56);
AT(pinwatch_watch_query, time_ns, 64);
AT(pinwatch_watch_query, causes, 72);
AT(pinwatch_watch_query, events, 80);
AT(pinwatch_watch_query, watch_flags, 84);
AT(pinwatch_watch_query, ignore_events, 88);
AT(pinwatch_watch_query, touched_shift, 92);
AT(pinwatch_watch_query, nr_pages, 96);
AT(pinwatch_watch_query, nr_pinned, 104);
AT(pinwatch_watch_query, reserved, 112);

SIZE(pinwatch_watch_verify, 120);
AT(pinwatch_watch_verify, size, 0);
AT(pinwatch_watch_verify, flags, 4);
AT(pinwatch_watch_verify, id, 8);
AT(pinwatch_watch_verify, verdict, 12);
AT(pinwatch_watch_verify, first_page, 16);
AT(pinwatch_watch_verify, nr_pages, 24);
AT(pinwatch_watch_verify, verdicts, 32);
AT(pinwatch_watch_verify, nr, 40);
AT(pinwatch_watch_verify, generation, 104);
AT(pinwatch_watch_verify, reserved, 112);

SIZE(pinwatch_watch_stack, 224);
AT(pinwatch_watch_stack, size, 0);
AT(pinwatch_watch_stack, flags, 4);
AT(pinwatch_watch_stack, id, 8);
AT(pinwatch_watch_stack, nr_entries, 12);
AT(pinwatch_watch_stack, generation, 16);
AT(pinwatch_watch_stack, entries, 24);
AT(pinwatch_watch_stack, reserved, 216);

SIZE(pinwatch_resync, 32);
AT(pinwatch_resync, size, 0);
AT(pinwatch_resync, flags, 4);
AT(pinwatch_resync, first_id, 8);
AT(pinwatch_resync, nr_ids, 12);
AT(pinwatch_resync, gens, 16);
AT(pinwatch_resync, reserved, 24);

SIZE(pinwatch_attach, 16);
AT(pinwatch_attach, size, 0);
AT(pinwatch_attach, flags, 4);
AT(pinwatch_attach, pid, 8);
AT(pinwatch_attach, reserved, 12);

SIZE(pinwatch_bind, 16);
AT(pinwatch_bind, size, 0);
AT(pinwatch_bind, flags, 4);
AT(pinwatch_bind, reserved, 8);

SIZE(pinwatch_stats, 120);
AT(pinwatch_stats, size, 0);
AT(pinwatch_stats, flags, 4);
AT(pinwatch_stats, nr_mms, 8);
AT(pinwatch_stats, nr_subscriptions, 16);
AT(pinwatch_stats, nr_files, 24);
AT(pinwatch_stats, nr_watches, 32);
AT(pinwatch_stats, pinned_pages, 40);
AT(pinwatch_stats, walks, 48);
AT(pinwatch_stats, callbacks, 56);
AT(pinwatch_stats, waits, 64);
AT(pinwatch_stats, remove_waits, 72);
AT(pinwatch_stats, overflows, 80);
AT(pinwatch_stats, vetoes, 88);
AT(pinwatch_stats, reserved, 96);

IOCTL(PINWATCH_IOC_GET_INFO, 0x00, pinwatch_info);
IOCTL(PINWATCH_IOC_GET_STATS, 0x01, pinwatch_stats);
IOCTL(PINWATCH_IOC_WATCH_ADD, 0x10, pinwatch_watch_add);
IOCTL(PINWATCH_IOC_WATCH_DEL, 0x11, pinwatch_watch_del);
IOCTL(PINWATCH_IOC_WATCH_REPIN, 0x12, pinwatch_watch_repin);
IOCTL(PINWATCH_IOC_WATCH_QUERY, 0x13, pinwatch_watch_query);
IOCTL(PINWATCH_IOC_WATCH_VERIFY, 0x14, pinwatch_watch_verify);
IOCTL(PINWATCH_IOC_WATCH_STACK, 0x15, pinwatch_watch_stack);
IOCTL(PINWATCH_IOC_RESYNC, 0x20, pinwatch_resync);
IOCTL(PINWATCH_IOC_ATTACH, 0x21, pinwatch_attach);
IOCTL(PINWATCH_IOC_BIND, 0x22, pinwatch_bind);

NUMBER(PINWATCH_CMD_UNSPEC, 0);
NUMBER(PINWATCH_CMD_WATCH_GET, 1);
NUMBER(PINWATCH_CMD_MM_GET, 2);
NUMBER(PINWATCH_CMD_STATS_GET, 3);
NUMBER(PINWATCH_CMD_EVENT, 4);
NUMBER(PINWATCH_A_UNSPEC, 0);
NUMBER(PINWATCH_A_PAD, 1);
NUMBER(PINWATCH_A_FILE, 2);
NUMBER(PINWATCH_A_ID, 3);
NUMBER(PINWATCH_A_MM, 4);
NUMBER(PINWATCH_A_PID, 5);
NUMBER(PINWATCH_A_STATE, 6);
NUMBER(PINWATCH_A_ADDR, 7);
NUMBER(PINWATCH_A_LENGTH, 8);
NUMBER(PINWATCH_A_COOKIE, 9);
NUMBER(PINWATCH_A_GENERATION, 10);
NUMBER(PINWATCH_A_VALID_GENERATION, 11);
NUMBER(PINWATCH_A_HITS, 12);
NUMBER(PINWATCH_A_TIME_NS, 13);
NUMBER(PINWATCH_A_CAUSES, 14);
NUMBER(PINWATCH_A_EVENTS, 15);
NUMBER(PINWATCH_A_WATCH_FLAGS, 16);
NUMBER(PINWATCH_A_IGNORE_EVENTS, 17);
NUMBER(PINWATCH_A_NR_PAGES, 18);
NUMBER(PINWATCH_A_NR_PINNED, 19);
NUMBER(PINWATCH_A_FLAGS, 20);
NUMBER(PINWATCH_A_TID, 21);
NUMBER(PINWATCH_A_TGID, 22);
NUMBER(PINWATCH_A_COMM, 23);
NUMBER(PINWATCH_A_SEQ, 24);
NUMBER(PINWATCH_A_LOST, 25);
NUMBER(PINWATCH_A_NR_SUBSCRIPTIONS, 26);
NUMBER(PINWATCH_A_IN_FLIGHT, 27);
NUMBER(PINWATCH_A_NR_WALKS, 28);
NUMBER(PINWATCH_A_NR_WAITERS, 29);
NUMBER(PINWATCH_A_MM_FLAGS, 30);
NUMBER(PINWATCH_A_NR_MMS, 31);
NUMBER(PINWATCH_A_NR_FILES, 32);
NUMBER(PINWATCH_A_NR_WATCHES, 33);
NUMBER(PINWATCH_A_PINNED_PAGES, 34);
NUMBER(PINWATCH_A_WALKS, 35);
NUMBER(PINWATCH_A_CALLBACKS, 36);
NUMBER(PINWATCH_A_WAITS, 37);
NUMBER(PINWATCH_A_REMOVE_WAITS, 38);
NUMBER(PINWATCH_A_OVERFLOWS, 39);
NUMBER(PINWATCH_A_VETOES, 40);
NUMBER(PINWATCH_A_EVENTS_SENT, 41);
NUMBER(PINWATCH_A_EVENTS_LOST, 42);
NUMBER(PINWATCH_CMD_MAX, 4);
NUMBER(PINWATCH_A_MAX, 42);
NUMBER(PINWATCH_MM_F_VETO, 1u << 0);
