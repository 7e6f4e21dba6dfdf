/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pinwatch: older kernels, patched up to look like the newest
 *
 * Included in front of every file (see Kbuild). This directory is the only
 * place with version or feature checks; the rest is written for the newest
 * kernel. PW_HAVE_*: see probes.mk. A shim goes when its last kernel goes.
 */
#ifndef _PW_COMPAT_H
#define _PW_COMPAT_H

/*
 * Before 5.12 (5.10): no exclusive device access. An enumerator, which the
 * preprocessor cannot see; it is 7 wherever it exists.
 */
#ifdef PW_HAVE_EVENT_EXCLUSIVE
#define PW_MMU_NOTIFY_EXCLUSIVE		MMU_NOTIFY_EXCLUSIVE
#else
#define PW_MMU_NOTIFY_EXCLUSIVE		7
#endif

/* Before 6.3 (5.10, 6.1): vm_flags is a plain member. */
#ifndef PW_HAVE_VM_FLAGS_SET
#include <linux/mm.h>

static inline void vm_flags_set(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags |= flags;
}

static inline void vm_flags_clear(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags &= ~flags;
}
#endif

/*
 * Before 5.11 (5.10): there mmap_region() drops the file that it was given, not
 * vma->vm_file, when ->mmap() fails: change the file last, when nothing can.
 */
#ifndef PW_HAVE_VMA_SET_FILE
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>

static inline void vma_set_file(struct vm_area_struct *vma, struct file *file)
{
	get_file(file);
	swap(vma->vm_file, file);
	fput(file);
}
#endif

#endif /* _PW_COMPAT_H */
