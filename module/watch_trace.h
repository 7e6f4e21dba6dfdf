/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints of watches. For tracepoints of the engine see core/trace.h.
 *
 * Only fields of fixed size: __assign_str() differs between kernels. There is no field
 * for the actor of a hit: it is current, which every trace record names.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM pinwatch

#if !defined(_PW_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _PW_TRACE_H

#include <linux/tracepoint.h>
#include <linux/pinwatch.h>
#include "file.h"
#include "hit.h"
#include "watch.h"

#define pw_trace_events(events)						\
	__print_flags(events, "|",					\
		      { PINWATCH_EVENT_UNMAP, "unmap" },		\
		      { PINWATCH_EVENT_CLEAR, "clear" },		\
		      { PINWATCH_EVENT_PROTECT, "protect" },		\
		      { PINWATCH_EVENT_PROTECT_PAGE, "protect-page" },	\
		      { PINWATCH_EVENT_SOFT_DIRTY, "soft-dirty" },	\
		      { PINWATCH_EVENT_RELEASE, "release" },		\
		      { PINWATCH_EVENT_MIGRATE, "migrate" },		\
		      { PINWATCH_EVENT_EXCLUSIVE, "exclusive" },	\
		      { PINWATCH_EVENT_OTHER, "other" })

#define pw_trace_causes(causes)						\
	__print_flags(causes, "|",					\
		      { PINWATCH_CAUSE_UNKNOWN, "unknown" },		\
		      { PINWATCH_CAUSE_MUNMAP, "munmap" },		\
		      { PINWATCH_CAUSE_MREMAP, "mremap" },		\
		      { PINWATCH_CAUSE_MMAP, "mmap" },			\
		      { PINWATCH_CAUSE_MADVISE, "madvise" },		\
		      { PINWATCH_CAUSE_MPROTECT, "mprotect" },		\
		      { PINWATCH_CAUSE_FORK, "fork" },			\
		      { PINWATCH_CAUSE_COW, "cow" },			\
		      { PINWATCH_CAUSE_REMOTE_WRITE, "remote-write" },	\
		      { PINWATCH_CAUSE_FAULT, "fault" },		\
		      { PINWATCH_CAUSE_NUMA_BALANCE, "numa-balance" },	\
		      { PINWATCH_CAUSE_MIGRATE, "migrate" },		\
		      { PINWATCH_CAUSE_COMPACT, "compact" },		\
		      { PINWATCH_CAUSE_RECLAIM, "reclaim" },		\
		      { PINWATCH_CAUSE_TRUNCATE, "truncate" },		\
		      { PINWATCH_CAUSE_WRITEBACK, "writeback" },	\
		      { PINWATCH_CAUSE_KSM, "ksm" },			\
		      { PINWATCH_CAUSE_THP, "thp" },			\
		      { PINWATCH_CAUSE_USERFAULT, "userfault" },	\
		      { PINWATCH_CAUSE_SOFT_DIRTY, "soft-dirty" },	\
		      { PINWATCH_CAUSE_UPROBE, "uprobe" },		\
		      { PINWATCH_CAUSE_REAP, "reap" },			\
		      { PINWATCH_CAUSE_POISON, "poison" },		\
		      { PINWATCH_CAUSE_OFFLINE, "offline" },		\
		      { PINWATCH_CAUSE_EXIT, "exit" },			\
		      { PINWATCH_CAUSE_EXEC, "exec" },			\
		      { PINWATCH_CAUSE_DEVICE, "device" })

/* A hit of a watch, after its generation has changed */
TRACE_EVENT(pinwatch_hit,
	TP_PROTO(const struct pw_watch *watch, const struct pw_hit *hit, u64 generation),
	TP_ARGS(watch, hit, generation),
	TP_STRUCT__entry(
		__field(u32, file)
		__field(u32, id)
		__field(u64, cookie)
		__field(unsigned long, start)
		__field(unsigned long, end)
		__field(u64, generation)
		__field(u64, cause)
		__field(u32, event)
		__field(bool, atomic)
	),
	TP_fast_assign(
		__entry->file = watch->file->number;
		__entry->id = watch->id;
		__entry->cookie = watch->cookie;
		__entry->start = hit->start;
		__entry->end = hit->last + 1;
		__entry->generation = generation;
		__entry->cause = hit->cause;
		__entry->event = hit->event;
		__entry->atomic = hit->atomic;
	),
	TP_printk("file=%u id=%u cookie=0x%llx start=0x%lx end=0x%lx generation=%llu event=%s cause=%s atomic=%d",
		  __entry->file, __entry->id, __entry->cookie, __entry->start,
		  __entry->end, __entry->generation, pw_trace_events(__entry->event),
		  pw_trace_causes(__entry->cause), __entry->atomic)
);

DECLARE_EVENT_CLASS(pinwatch_watch,
	TP_PROTO(const struct pw_watch *watch, u64 generation),
	TP_ARGS(watch, generation),
	TP_STRUCT__entry(
		__field(u32, file)
		__field(u32, id)
		__field(u64, cookie)
		__field(unsigned long, start)
		__field(unsigned long, end)
		__field(u64, generation)
		__field(u32, flags)
	),
	TP_fast_assign(
		__entry->file = watch->file->number;
		__entry->id = watch->id;
		__entry->cookie = watch->cookie;
		__entry->start = watch->sub.interval_tree.start;
		__entry->end = watch->sub.interval_tree.last + 1;
		__entry->generation = generation;
		__entry->flags = watch->flags;
	),
	TP_printk("file=%u id=%u cookie=0x%llx start=0x%lx end=0x%lx generation=%llu flags=%s",
		  __entry->file, __entry->id, __entry->cookie, __entry->start,
		  __entry->end, __entry->generation,
		  __print_flags(__entry->flags, "|",
				{ PINWATCH_WATCH_F_PIN, "pin" },
				{ PINWATCH_WATCH_F_WRITE, "write" },
				{ PINWATCH_WATCH_F_ONESHOT, "oneshot" },
				{ PINWATCH_WATCH_F_STACK, "stack" },
				{ PINWATCH_WATCH_F_PAGES, "pages" }))
);

/* WATCH_ADD has succeeded */
DEFINE_EVENT(pinwatch_watch, pinwatch_watch_add,
	TP_PROTO(const struct pw_watch *watch, u64 generation),
	TP_ARGS(watch, generation)
);

/* WATCH_DEL or the last close has retired a watch; its pages are still pinned */
DEFINE_EVENT(pinwatch_watch, pinwatch_watch_del,
	TP_PROTO(const struct pw_watch *watch, u64 generation),
	TP_ARGS(watch, generation)
);

#endif /* _PW_TRACE_H */

#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_PATH .
#define TRACE_INCLUDE_FILE watch_trace
#include <trace/define_trace.h>
