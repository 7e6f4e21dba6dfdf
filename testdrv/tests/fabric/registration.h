/* SPDX-License-Identifier: MIT */
/*
 * ibv_reg_mr() and ibv_reg_mr_iova2() of the program, which libfabric calls instead of those
 * of libibverbs. The file calls the functions of libibverbs, or of a library in LD_PRELOAD.
 */
#ifndef REGISTRATION_H
#define REGISTRATION_H

#include "memory.h"

/* From now on, call memory_registered(@memory) after each registration of its first byte. */
void registration_follow(struct memory *memory);

#endif /* REGISTRATION_H */
