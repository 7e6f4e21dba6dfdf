// SPDX-License-Identifier: MIT
/*
 * engine: unloading fails with EWOULDBLOCK while a module or a file uses pinwatch
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

TEST(engine_unload_refused)
{
	char *area = map_pages(1);
	int fd = driver_open();

	sub_add(fd, PINWATCH_TEST_PINWATCH, PINWATCH_TEST_COUNTING, area, PAGE);
	test_check(unload_refused("pinwatch"),
		   "pinwatch, with a driver that has subscriptions");
	test_check(unload_refused("pinwatch_test"), "the driver, with an open file");
	close(fd);
	test_check(unload_refused("pinwatch"), "pinwatch, with an idle driver");
}
