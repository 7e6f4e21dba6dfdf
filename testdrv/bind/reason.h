/* SPDX-License-Identifier: MIT */
/* Why a file is refused */
#ifndef REASON_H
#define REASON_H

struct reason {
	char text[512];
};

/* Write the reason. Returns -1. */
int reason_set(struct reason *why, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif /* REASON_H */
