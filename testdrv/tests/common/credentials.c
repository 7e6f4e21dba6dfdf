// SPDX-License-Identifier: MIT
/* See credentials.h. */
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/pinwatch.h>

#include "credentials.h"
#include "test.h"

void credentials_nobody(void)
{
	CHECK_EQ(setgroups(0, NULL), 0);
	CHECK_EQ(setresgid(CREDENTIALS_NOBODY, CREDENTIALS_NOBODY, CREDENTIALS_NOBODY), 0);
	CHECK_EQ(setresuid(CREDENTIALS_NOBODY, CREDENTIALS_NOBODY, CREDENTIALS_NOBODY), 0);
}

void credentials_without(unsigned int capability)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	__u32 mask = ~(1U << capability % 32);

	CHECK_EQ(syscall(SYS_capget, &head, data), 0);
	data[capability / 32].effective &= mask;
	data[capability / 32].permitted &= mask;
	data[capability / 32].inheritable &= mask;
	CHECK_EQ(syscall(SYS_capset, &head, data), 0);
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

void credentials_namespace(void)
{
	CHECK_EQ(unshare(CLONE_NEWUSER), 0);
	put("/proc/self/uid_map", "0 0 1");
	put("/proc/self/setgroups", "deny");
	put("/proc/self/gid_map", "0 0 1");
}

void credentials_memlock(size_t bytes)
{
	struct rlimit limit = { .rlim_cur = bytes, .rlim_max = bytes };

	CHECK_EQ(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
}

void credentials_device_mode(unsigned int mode)
{
	CHECK_EQ(chmod(PINWATCH_DEVICE, mode), 0);
}
