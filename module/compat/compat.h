/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat: older kernels, patched up to look like the newest
 *
 * Included in front of every file (see Kbuild). This directory is the only
 * place with version or feature checks; the rest is written for the newest
 * kernel. PW_HAVE_*: see probes.mk. A shim goes when its last kernel goes.
 */
#ifndef _PW_COMPAT_H
#define _PW_COMPAT_H

#include "mm.h"

#endif /* _PW_COMPAT_H */
