/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat: older kernels, patched up to look like the newest
 *
 * Kbuild includes this header in front of every file. Version and feature checks are
 * allowed in this directory only; all other code is written for the newest kernel.
 * probes.mk defines PW_HAVE_*. Delete a shim together with its last kernel.
 */
#ifndef _PW_COMPAT_H
#define _PW_COMPAT_H

#include "mm.h"

#endif /* _PW_COMPAT_H */
