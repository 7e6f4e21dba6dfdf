/* SPDX-License-Identifier: GPL-2.0-only */
/* Nothing of its own; what the core takes from it is in the header below */
#ifndef _SHIM_RCUPDATE_H
#define _SHIM_RCUPDATE_H
#include <linux/rculist.h>
#endif
