/* SPDX-License-Identifier: GPL-2.0-only */
/* Nothing of its own; what the core takes from it is in the header below */
#ifndef _SHIM_BUILD_BUG_H
#define _SHIM_BUILD_BUG_H
#include <linux/compiler.h>
#endif
