// SPDX-License-Identifier: MIT
/*
 * gntdev: mappings of Xen's grants end with the memory that maps them. xen-gntdev is bound to
 * pinwatch, or, as the control, to the kernel's own notifier. The hypervisor's own table says
 * which grants are mapped.
 */
#include <string.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#include "engine.h"
#include "grant.h"
#include "invalidator.h"
#include "table.h"
#include "test.h"

#define NR_ROUNDS	32

/* Map and unmap while other threads discard memory beside the mapping. */
TEST(gntdev_race_map)
{
	struct invalidator invalidator;
	struct mapping mapping;
	struct grants grants;
	uint64_t round;
	char *other;

	grants_open(&grants);
	other = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(other != MAP_FAILED);
	invalidator_start(&invalidator, other, 2);
	for (round = 0; round < NR_ROUNDS; round++) {
		mapping_open(&mapping, &grants);
		mapping_map(&mapping, PROT_READ | PROT_WRITE);
		grants_share(&grants, &mapping, ALL_PAGES, round);
		CHECK(!munmap((void *)mapping.pages, LENGTH));
		mapping_close(&mapping);
	}
	invalidator_stop(&invalidator);
	test_note("%llu discards", (unsigned long long)invalidator.rounds);
	CHECK(invalidator.rounds > 0);
	CHECK_EQ(table_mapped(grants.refs, NR_GRANTS), 0);
	CHECK(engine_has_subscriptions(0));
}

/*
 * The kernel panics when it frees a page whose grant is still mapped, which the exit of the test
 * may do. The line of the failure must be out before.
 */
void test_abort(void)
{
	tcdrain(STDOUT_FILENO);
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
