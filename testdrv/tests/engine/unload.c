// SPDX-License-Identifier: MIT
/*
 * engine: the module cannot be unloaded under its users
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "engine.h"

static bool unload_refused(const char *module)
{
	return syscall(SYS_delete_module, module, O_NONBLOCK) && errno == EWOULDBLOCK;
}

void engine_unload_refused(void)
{
	char *area = map_pages(1);
	int fd = lab_open();

	lab_add(fd, PINWATCH_TEST_PINWATCH, PINWATCH_TEST_COUNTING, area, PAGE);
	check(unload_refused("pinwatch"), "pinwatch, with a driver that uses it");
	check(unload_refused("pinwatch_test"), "the driver, with an open file");
	close(fd);
	check(unload_refused("pinwatch"), "pinwatch, with an idle driver");
}
