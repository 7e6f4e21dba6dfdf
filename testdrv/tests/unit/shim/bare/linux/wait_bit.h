/* SPDX-License-Identifier: GPL-2.0-only */
/* Nothing of its own; what the core takes from it is in the header below */
#ifndef _SHIM_WAIT_BIT_H
#define _SHIM_WAIT_BIT_H
#include <linux/wait.h>
#endif
