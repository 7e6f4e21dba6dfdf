// SPDX-License-Identifier: MIT
/* odp: the program. */
#include <string.h>
#include <unistd.h>

#include "odp.h"
#include "rxe.h"

void test_setup(void)
{
	int ret = rxe_add();

	if (ret)
		test_note("cannot add the device " RXE_DEVICE ": %s", strerror(-ret));
	else if (!peer_device_ready())
		test_note("the device " RXE_DEVICE " has no address");
}

const char *test_check_after(void)
{
	return engine_has_subscriptions(0) ? NULL : "subscriptions are left";
}

int main(int argc, char **argv)
{
	/* After exec of a victim (process.c). */
	if (argc == 2 && !strcmp(argv[1], "--pause"))
		return pause();
	return test_main(argc, argv);
}
