/* SPDX-License-Identifier: GPL-2.0-only */
/* Nothing of its own; what the core takes from it is in the header below */
#ifndef _SHIM_LOG2_H
#define _SHIM_LOG2_H
#include <linux/bitmap.h>
#endif
