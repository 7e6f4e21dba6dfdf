/* SPDX-License-Identifier: GPL-2.0-only */
/* No tracer exists; the calls stay, so that their arguments are type-checked */
#ifndef _SHIM_TRACEPOINT_H
#define _SHIM_TRACEPOINT_H
#include <linux/compiler.h>
#define TP_PROTO(args...)	args
#define TRACE_EVENT(name, proto, rest...)				\
	static inline void trace_##name(proto) { }			\
	static inline bool trace_##name##_enabled(void) { return false; } \
	struct shim_trace_##name
#define DEFINE_EVENT(class, name, proto, rest...)			\
	static inline void trace_##name(proto) { }			\
	static inline bool trace_##name##_enabled(void) { return false; } \
	struct shim_trace_##name
#define DECLARE_EVENT_CLASS(name, rest...) struct shim_trace_class_##name
#define TRACE_DEFINE_ENUM(name)	struct shim_trace_enum_##name
#endif
