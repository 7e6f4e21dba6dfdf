/* SPDX-License-Identifier: GPL-2.0-only */
/* custom: a tracepoint is enabled in a program that defines shim_trace_NAME(), its tracer */
#ifndef _SHIM_TRACEPOINT_H
#define _SHIM_TRACEPOINT_H
#include <linux/compiler.h>
#define TP_PROTO(args...)	args
#define TP_ARGS(args...)	args
#define TRACE_EVENT(name, proto, args, rest...)				\
	__attribute__((__weak__)) void shim_trace_##name(proto);	\
	static inline void trace_##name(proto)				\
	{								\
		if (shim_trace_##name)					\
			shim_trace_##name(args);			\
	}								\
	static inline bool trace_##name##_enabled(void)			\
	{								\
		return shim_trace_##name;				\
	}								\
	struct shim_trace_struct_##name
#define PARAMS(args...)		args
#define DEFINE_EVENT(class, name, proto, args) \
	TRACE_EVENT(name, PARAMS(proto), PARAMS(args))
#define DECLARE_EVENT_CLASS(name, rest...) struct shim_trace_class_##name
#define TRACE_DEFINE_ENUM(name)	struct shim_trace_enum_##name
#endif
