/* SPDX-License-Identifier: GPL-2.0-only */
/* dup: as the kernel's, without saturation */
#ifndef _SHIM_OVERFLOW_H
#define _SHIM_OVERFLOW_H
#define check_add_overflow(a, b, d)	__builtin_add_overflow(a, b, d)
#define struct_size(p, member, n)	(sizeof(*(p)) + sizeof(*(p)->member) * (n))
#endif
