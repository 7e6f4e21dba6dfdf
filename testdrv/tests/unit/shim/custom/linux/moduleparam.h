/* SPDX-License-Identifier: GPL-2.0-only */
/* custom: a test sets the parameter NAME through shim_param_NAME */
#ifndef _SHIM_MODULEPARAM_H
#define _SHIM_MODULEPARAM_H
#include <linux/compiler.h>

typedef unsigned int uint;
extern uint *shim_param_idle_ms;
#define module_param(name, type, perm)	type *shim_param_##name = &name
#define MODULE_PARM_DESC(name, text)	extern uint *shim_param_##name
#endif
