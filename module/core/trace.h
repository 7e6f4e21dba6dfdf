/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pinwatch core: tracepoints
 *
 * Only fields of fixed size: __assign_str() differs between kernels.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM pinwatch

#if !defined(_PW_CORE_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _PW_CORE_TRACE_H

#include <linux/mmu_notifier.h>
#include <linux/tracepoint.h>

TRACE_DEFINE_ENUM(MMU_NOTIFY_UNMAP);
TRACE_DEFINE_ENUM(MMU_NOTIFY_CLEAR);
TRACE_DEFINE_ENUM(MMU_NOTIFY_PROTECTION_VMA);
TRACE_DEFINE_ENUM(MMU_NOTIFY_PROTECTION_PAGE);
TRACE_DEFINE_ENUM(MMU_NOTIFY_SOFT_DIRTY);
TRACE_DEFINE_ENUM(MMU_NOTIFY_RELEASE);
TRACE_DEFINE_ENUM(MMU_NOTIFY_MIGRATE);

#define pw_trace_event_name(event)				\
	__print_symbolic(event,					\
			 { MMU_NOTIFY_UNMAP, "unmap" },		\
			 { MMU_NOTIFY_CLEAR, "clear" },		\
			 { MMU_NOTIFY_PROTECTION_VMA, "protect" }, \
			 { MMU_NOTIFY_PROTECTION_PAGE, "protect-page" }, \
			 { MMU_NOTIFY_SOFT_DIRTY, "soft-dirty" }, \
			 { MMU_NOTIFY_RELEASE, "release" },	\
			 { MMU_NOTIFY_MIGRATE, "migrate" },	\
			 { PW_MMU_NOTIFY_EXCLUSIVE, "exclusive" })

/*
 * An invalidation that overlapped a subscription, after the callbacks. Also RELEASE and
 * UNMAP at the end of an mm.
 */
TRACE_EVENT(pinwatch_invalidate,
	TP_PROTO(const struct mmu_notifier_range *range, u64 callbacks),
	TP_ARGS(range, callbacks),
	TP_STRUCT__entry(
		__field(const void *, mm)
		__field(unsigned long, start)
		__field(unsigned long, end)
		__field(u64, callbacks)
		__field(u32, event)
		__field(bool, blockable)
	),
	TP_fast_assign(
		__entry->mm = range->mm;
		__entry->start = range->start;
		__entry->end = range->end;
		__entry->callbacks = callbacks;
		__entry->event = range->event;
		__entry->blockable = mmu_notifier_range_blockable(range);
	),
	TP_printk("mm=%p start=0x%lx end=0x%lx event=%s blockable=%d callbacks=%llu",
		  __entry->mm, __entry->start, __entry->end,
		  pw_trace_event_name(__entry->event), __entry->blockable,
		  __entry->callbacks)
);

/* A non-blockable invalidation was refused: a subscription in the range may sleep */
TRACE_EVENT(pinwatch_veto,
	TP_PROTO(const struct mmu_notifier_range *range),
	TP_ARGS(range),
	TP_STRUCT__entry(
		__field(const void *, mm)
		__field(unsigned long, start)
		__field(unsigned long, end)
		__field(u32, event)
	),
	TP_fast_assign(
		__entry->mm = range->mm;
		__entry->start = range->start;
		__entry->end = range->end;
		__entry->event = range->event;
	),
	TP_printk("mm=%p start=0x%lx end=0x%lx event=%s",
		  __entry->mm, __entry->start, __entry->end,
		  pw_trace_event_name(__entry->event))
);

DECLARE_EVENT_CLASS(pinwatch_mm,
	TP_PROTO(const void *mm, u64 number),
	TP_ARGS(mm, number),
	TP_STRUCT__entry(
		__field(const void *, mm)
		__field(u64, number)
	),
	TP_fast_assign(
		__entry->mm = mm;
		__entry->number = number;
	),
	TP_printk("mm=%p number=%llu", __entry->mm, __entry->number)
);

/* The engine registered with an address space */
DEFINE_EVENT(pinwatch_mm, pinwatch_mm_register,
	TP_PROTO(const void *mm, u64 number),
	TP_ARGS(mm, number)
);

/* An address space ended or was idle, and the engine unregistered */
DEFINE_EVENT(pinwatch_mm, pinwatch_mm_release,
	TP_PROTO(const void *mm, u64 number),
	TP_ARGS(mm, number)
);

#endif /* _PW_CORE_TRACE_H */

#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_PATH core
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
