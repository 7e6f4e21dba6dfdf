// SPDX-License-Identifier: MIT
/*
 * Each error that the ABI documents for a call has a test. `fuzz --errors` prints the
 * documented errors, which scripts/check/fuzz compares with the header.
 */
#include <stdio.h>
#include <string.h>

#include "device.h"

#define LINE	1024

/* @program: NULL if no stock kernel can be made to return the error; @test says why. */
static const struct tested {
	const char *call;
	const char *error;
	const char *program;
	const char *test;
} table[] = {
	{ "read", "EINVAL", "device_read", "read_einval_short" },
	{ "read", "EAGAIN", "device_errno", "read_eagain" },
	{ "read", "EINTR", "device_read", "read_eintr" },
	{ "read", "EFAULT", "device_read", "read_efault_keeps" },
	{ "mmap", "EACCES", "device_map", "map_eacces_einval" },
	{ "mmap", "EINVAL", "device_map", "map_eacces_einval" },
	{ "mmap", "ENOMEM", "device_errno", "map_enomem" },
	{ "mmap", "ENFILE", "device_errno", "map_enfile" },
	{ "PINWATCH_IOC_GET_INFO", "EINVAL", "device_ioctl", "ioctl_einval_size" },
	{ "PINWATCH_IOC_GET_INFO", "E2BIG", "device_ioctl", "ioctl_e2big" },
	{ "PINWATCH_IOC_GET_INFO", "EFAULT", "device_ioctl", "ioctl_efault" },
	{ "PINWATCH_IOC_GET_STATS", "EPERM", "device_watch", "stats_eperm_unprivileged" },
	{ "PINWATCH_IOC_GET_STATS", "EINVAL", "device_ioctl", "ioctl_einval_size" },
	{ "PINWATCH_IOC_GET_STATS", "E2BIG", "device_ioctl", "ioctl_e2big" },
	{ "PINWATCH_IOC_GET_STATS", "EFAULT", "device_ioctl", "ioctl_efault" },
	{ "PINWATCH_IOC_WATCH_ADD", "EINVAL", "device_watch", "add_einval" },
	{ "PINWATCH_IOC_WATCH_ADD", "E2BIG", "device_ioctl", "ioctl_e2big" },
	{ "PINWATCH_IOC_WATCH_ADD", "EFAULT", "device_errno", "add_efault_poisoned" },
	{ "PINWATCH_IOC_WATCH_ADD", "EOVERFLOW", "device_watch", "add_eoverflow" },
	{ "PINWATCH_IOC_WATCH_ADD", "EPERM", "device_errno", "add_eperm_stack" },
	{ "PINWATCH_IOC_WATCH_ADD", "EXDEV", "device_watch", "add_exdev_after_fork" },
	{ "PINWATCH_IOC_WATCH_ADD", "ESRCH", "device_errno", "add_esrch_attached" },
	{ "PINWATCH_IOC_WATCH_ADD", "ENOSPC", "device_watch", "add_enospc" },
	{ "PINWATCH_IOC_WATCH_ADD", "EDQUOT", "device_watch", "add_edquot" },
	{ "PINWATCH_IOC_WATCH_ADD", "ENOMEM", "device_cgroup", "add_enomem_memory_cgroup" },
	{ "PINWATCH_IOC_WATCH_ADD", "ENOBUFS", "device_watch", "add_enobufs_unprivileged" },
	{ "PINWATCH_IOC_WATCH_ADD", "EMSGSIZE", "device_watch", "add_emsgsize" },
	{ "PINWATCH_IOC_WATCH_ADD", "EAGAIN", "device_watch", "add_eagain" },
	{ "PINWATCH_IOC_WATCH_ADD", "EINTR", NULL,
	  "a fatal signal alone: the caller does not return" },
	{ "PINWATCH_IOC_WATCH_ADD", "EOPNOTSUPP", "device_attach", "add_eopnotsupp_attached" },
	{ "PINWATCH_IOC_WATCH_ADD", "EBUSY", "device_limits", "limit_ebusy_page_count" },
	{ "PINWATCH_IOC_WATCH_DEL", "EINVAL", "device_ioctl", "ioctl_einval_size" },
	{ "PINWATCH_IOC_WATCH_DEL", "E2BIG", "device_ioctl", "ioctl_e2big" },
	{ "PINWATCH_IOC_WATCH_DEL", "EFAULT", "device_ioctl", "ioctl_efault" },
	{ "PINWATCH_IOC_WATCH_DEL", "ENOENT", "device_watch", "del_enoent" },
	{ "PINWATCH_IOC_WATCH_DEL", "ESTALE", "device_watch", "del_estale" },
	{ "PINWATCH_IOC_WATCH_DEL", "EINTR", NULL,
	  "a fatal signal alone: the caller does not return (engine_device_killable)" },
	{ "PINWATCH_IOC_WATCH_REPIN", "EINVAL", "device_ioctl", "ioctl_einval_size" },
	{ "PINWATCH_IOC_WATCH_REPIN", "E2BIG", "device_ioctl", "ioctl_e2big" },
	{ "PINWATCH_IOC_WATCH_REPIN", "EFAULT", "device_repin", "repin_efault_keeps" },
	{ "PINWATCH_IOC_WATCH_REPIN", "ENOENT", "device_errno", "repin_enoent" },
	{ "PINWATCH_IOC_WATCH_REPIN", "ESTALE", "device_repin", "repin_estale" },
	{ "PINWATCH_IOC_WATCH_REPIN", "EXDEV", "device_repin", "repin_exdev" },
	{ "PINWATCH_IOC_WATCH_REPIN", "ESRCH", "device_repin", "repin_esrch" },
	{ "PINWATCH_IOC_WATCH_REPIN", "EREMCHG", "device_repin", "repin_keep_eremchg" },
	{ "PINWATCH_IOC_WATCH_REPIN", "ENOMEM", "device_cgroup", "add_enomem_memory_cgroup" },
	{ "PINWATCH_IOC_WATCH_REPIN", "ENOBUFS", "device_repin", "repin_enobufs_keeps" },
	{ "PINWATCH_IOC_WATCH_REPIN", "EMSGSIZE", "device_watch", "add_emsgsize" },
	{ "PINWATCH_IOC_WATCH_REPIN", "EAGAIN", "device_errno", "repin_eagain" },
	{ "PINWATCH_IOC_WATCH_REPIN", "EINTR", NULL,
	  "a fatal signal alone: the caller does not return" },
	{ "PINWATCH_IOC_WATCH_REPIN", "EOPNOTSUPP", NULL,
	  "a file on fsdax in the place of pinned memory: no guest has any" },
	{ "PINWATCH_IOC_WATCH_REPIN", "EDQUOT", "device_limits", "limit_edquot_pins_of_user" },
	{ "PINWATCH_IOC_WATCH_REPIN", "EBUSY", "device_limits", "limit_ebusy_page_count" },
	{ "PINWATCH_IOC_WATCH_QUERY", "EINVAL", "device_ioctl", "ioctl_einval_size" },
	{ "PINWATCH_IOC_WATCH_QUERY", "E2BIG", "device_ioctl", "ioctl_e2big" },
	{ "PINWATCH_IOC_WATCH_QUERY", "EFAULT", "device_ioctl", "ioctl_efault" },
	{ "PINWATCH_IOC_WATCH_QUERY", "ENOENT", "device_errno", "query_enoent" },
	{ "PINWATCH_IOC_WATCH_VERIFY", "EINVAL", "device_errno", "verify_einval_range" },
	{ "PINWATCH_IOC_WATCH_VERIFY", "E2BIG", "device_ioctl", "ioctl_e2big" },
	{ "PINWATCH_IOC_WATCH_VERIFY", "EFAULT", "device_errno", "verify_efault_verdicts" },
	{ "PINWATCH_IOC_WATCH_VERIFY", "ENOENT", "device_errno", "verify_enoent" },
	{ "PINWATCH_IOC_WATCH_VERIFY", "ENOMEM", "device_cgroup", "verify_enomem_memory_cgroup" },
	{ "PINWATCH_IOC_WATCH_VERIFY", "EINTR", NULL,
	  "a fatal signal alone: the caller does not return (engine_device_killable)" },
	{ "PINWATCH_IOC_WATCH_VERIFY", "EAGAIN", "device_verify", "verify_eagain" },
	{ "PINWATCH_IOC_WATCH_VERIFY", "EOPNOTSUPP", NULL,
	  "a kernel without CONFIG_HMM_MIRROR: every stock kernel has it" },
	{ "PINWATCH_IOC_WATCH_STACK", "EPERM", "device_actor", "stack_enodata_eperm" },
	{ "PINWATCH_IOC_WATCH_STACK", "EINVAL", "device_ioctl", "ioctl_einval_size" },
	{ "PINWATCH_IOC_WATCH_STACK", "E2BIG", "device_ioctl", "ioctl_e2big" },
	{ "PINWATCH_IOC_WATCH_STACK", "EFAULT", "device_ioctl", "ioctl_efault" },
	{ "PINWATCH_IOC_WATCH_STACK", "ENOENT", "device_errno", "stack_enoent" },
	{ "PINWATCH_IOC_WATCH_STACK", "ENODATA", "device_actor", "stack_enodata_eperm" },
	{ "PINWATCH_IOC_RESYNC", "EINVAL", "device_errno", "resync_einval_range" },
	{ "PINWATCH_IOC_RESYNC", "E2BIG", "device_ioctl", "ioctl_e2big" },
	{ "PINWATCH_IOC_RESYNC", "EFAULT", "device_errno", "resync_efault_gens" },
	{ "PINWATCH_IOC_ATTACH", "EPERM", "device_attach", "attach_eperm" },
	{ "PINWATCH_IOC_ATTACH", "EINVAL", "device_attach", "attach_einval" },
	{ "PINWATCH_IOC_ATTACH", "E2BIG", "device_ioctl", "ioctl_e2big" },
	{ "PINWATCH_IOC_ATTACH", "EFAULT", "device_ioctl", "ioctl_efault" },
	{ "PINWATCH_IOC_ATTACH", "ESRCH", "device_attach", "attach_esrch" },
	{ "PINWATCH_IOC_ATTACH", "EBUSY", "device_attach", "attach_ebusy" },
	{ "PINWATCH_IOC_BIND", "EINVAL", "device_bind", "bind_einval" },
	{ "PINWATCH_IOC_BIND", "E2BIG", "device_ioctl", "ioctl_e2big" },
	{ "PINWATCH_IOC_BIND", "EFAULT", "device_ioctl", "ioctl_efault" },
	{ "PINWATCH_IOC_BIND", "ENOMEM", "device_cgroup", "bind_enomem_memory_cgroup" },
	{ "PINWATCH_IOC_BIND", "EBUSY", "device_bind", "bind_ebusy" },
};

#define NR_ROWS	(sizeof(table) / sizeof(table[0]))

static bool has_row(const char *call, const char *error)
{
	size_t i;

	for (i = 0; i < NR_ROWS; i++)
		if (!strcmp(table[i].call, call) && !strcmp(table[i].error, error))
			return true;
	return false;
}

/* The number of lines of the output of @command that are @line. */
static size_t count_lines(const char *command, const char *line)
{
	FILE *output = popen(command, "r");
	char text[LINE];
	size_t nr = 0;

	CHECK(output);
	while (fgets(text, sizeof(text), output)) {
		text[strcspn(text, "\n")] = 0;
		nr += !strcmp(text, line);
	}
	CHECK_EQ(pclose(output), 0);
	return nr;
}

TEST(errno_each_documented_has_a_row)
{
	FILE *output = popen("fuzz --errors", "r");
	char text[LINE], *call, *error;
	size_t nr = 0;

	CHECK(output);
	while (fgets(text, sizeof(text), output)) {
		call = strtok(text, "\n ");
		while ((error = strtok(NULL, "\n "))) {
			if (!has_row(call, error))
				FAIL("%s documents %s, and no row names its test", call, error);
			nr++;
		}
	}
	CHECK_EQ(pclose(output), 0);
	/* No row stands twice, and none for an error that is not documented. */
	CHECK_EQ(nr, NR_ROWS);
}

TEST(errno_each_row_names_a_test)
{
	char command[64];
	size_t i;

	for (i = 0; i < NR_ROWS; i++) {
		if (!table[i].program)
			continue;
		snprintf(command, sizeof(command), "%s --list", table[i].program);
		if (count_lines(command, table[i].test) != 1)
			FAIL("%s has no test %s", table[i].program, table[i].test);
	}
}
