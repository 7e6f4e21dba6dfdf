/* SPDX-License-Identifier: GPL-2.0-only */
/* Symbols of a program need no export */
#ifndef _SHIM_EXPORT_H
#define _SHIM_EXPORT_H
#define EXPORT_SYMBOL_GPL(sym)	extern int shim_export_##sym
#endif
