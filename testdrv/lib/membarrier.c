// SPDX-License-Identifier: MIT
/* The system call membarrier(). Tests link a function that fails in place of this file. */
#include <errno.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cache.h"

int pw_membarrier(int cmd)
{
	return syscall(SYS_membarrier, cmd, 0, 0) < 0 ? -errno : 0;
}
