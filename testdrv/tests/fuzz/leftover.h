/* SPDX-License-Identifier: MIT */
/* Processes that should have ended: where in the kernel they are. */
#ifndef LEFTOVER_H
#define LEFTOVER_H

/* A few lines for each thread of each process with our name, but for the caller's. */
void leftover_print(void);

#endif /* LEFTOVER_H */
