/* SPDX-License-Identifier: GPL-2.0-only */
/* A non-blockable range makes its mm unstable: see shim/mm.c */
#ifndef _SHIM_OOM_H
#define _SHIM_OOM_H
#include <linux/mm_types.h>

static inline int check_stable_address_space(struct mm_struct *mm)
{
	return READ_ONCE(mm->unstable);
}
#endif
