// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ABI's layout, the same for 32-bit and 64-bit callers. Compiled by
 * scripts/check/uapi. A line here changes only together with the ABI's version.
 */
#include <linux/pinwatch.h>

#define SIZE(name, size) \
	_Static_assert(sizeof(struct name) == (size), "size of " #name)
#define AT(name, member, offset) \
	_Static_assert(__builtin_offsetof(struct name, member) == (offset), #name "." #member)
#define IOCTL(cmd, nr, name) \
	_Static_assert((cmd) == (3u << 30 | (unsigned int)sizeof(struct name) << 16 | 0xbdu << 8 | (nr)), #cmd)

SIZE(pinwatch_gen, 16);
AT(pinwatch_gen, generation, 0);
AT(pinwatch_gen, generation32, 8);
AT(pinwatch_gen, reserved, 12);

SIZE(pinwatch_info, 72);
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
AT(pinwatch_info, reserved, 56);

SIZE(pinwatch_watch_add, 56);
AT(pinwatch_watch_add, size, 0);
AT(pinwatch_watch_add, flags, 4);
AT(pinwatch_watch_add, addr, 8);
AT(pinwatch_watch_add, length, 16);
AT(pinwatch_watch_add, cookie, 24);
AT(pinwatch_watch_add, id, 32);
AT(pinwatch_watch_add, reserved, 36);
AT(pinwatch_watch_add, generation, 40);
AT(pinwatch_watch_add, nr_pages, 48);

SIZE(pinwatch_watch_del, 16);
AT(pinwatch_watch_del, size, 0);
AT(pinwatch_watch_del, flags, 4);
AT(pinwatch_watch_del, id, 8);
AT(pinwatch_watch_del, reserved, 12);

SIZE(pinwatch_event, 64);
AT(pinwatch_event, cookie, 0);
AT(pinwatch_event, id, 8);
AT(pinwatch_event, events, 12);
AT(pinwatch_event, start, 16);
AT(pinwatch_event, end, 24);
AT(pinwatch_event, generation, 32);
AT(pinwatch_event, count, 40);
AT(pinwatch_event, time_ns, 48);
AT(pinwatch_event, reserved, 56);

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
