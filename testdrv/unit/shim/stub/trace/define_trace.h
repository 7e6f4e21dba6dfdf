/* SPDX-License-Identifier: GPL-2.0-only */
/* stub: see linux/tracepoint.h */
