// SPDX-License-Identifier: MIT
/* What happens to the memory that a driver model uses; see drivers.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel.h"
#include "drivers.h"
#include "placement.h"
#include "subject.h"

static size_t case_length(const struct drivers_case *c)
{
	return DRIVERS_PAGES * c->page_size;
}

static int map_anonymous(struct drivers_case *c)
{
	int ret = range_map_anonymous(c->addr, case_length(c));

	if (!ret)
		memset(c->addr, 0, case_length(c));
	return ret;
}

static int map_file(struct drivers_case *c)
{
	int ret;

	c->file = memfd_create("pinwatch-demo", MFD_CLOEXEC);
	if (c->file < 0 || ftruncate(c->file, (off_t)case_length(c)))
		return -errno;
	ret = range_map(c->addr, case_length(c), PROT_READ | PROT_WRITE, MAP_SHARED, c->file);
	if (!ret)
		memset(c->addr, 0, case_length(c));
	return ret;
}

static int act_remap(struct drivers_case *c)
{
	return range_map_anonymous(c->addr, case_length(c));
}

static int act_dontneed(struct drivers_case *c)
{
	if (madvise(c->addr, case_length(c), MADV_DONTNEED))
		return -errno;
	return 0;
}

static int act_punch(struct drivers_case *c)
{
	const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	const off_t size = (off_t)c->page_size;

	if (fallocate(c->file, mode, size, size))
		return -errno;
	return 0;
}

/* A helper shares the pages until the next store has copied the page. */
static int act_fork(struct drivers_case *c)
{
	int fds[2];
	char byte;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	c->helper = fork();
	if (c->helper < 0)
		return -errno;
	if (!c->helper) {
		close(fds[1]);
		while (read(fds[0], &byte, 1) < 0 && errno == EINTR)
			;
		_exit(0);
	}
	close(fds[0]);
	c->helper_pipe = fds[1];
	return 0;
}

static void end_helper(struct drivers_case *c)
{
	close(c->helper_pipe);
	waitpid(c->helper, NULL, 0);
}

/* A page that the model has pinned does not move. */
static int act_migrate(struct drivers_case *c)
{
	void *page = c->word;
	int node = placement_node(0, page), status;

	if (node < 0)
		return node;
	node = !node;
	return syscall(SYS_move_pages, 0, 1, &page, &node, &status, MPOL_MF_MOVE) < 0 ? -errno : 0;
}

const struct drivers_op drivers_ops[] = {
	{ .name = "remap", .clears = true, .map = map_anonymous, .act = act_remap },
	{ .name = "dontneed", .clears = true, .map = map_anonymous, .act = act_dontneed },
	{ .name = "punch", .clears = true, .map = map_file, .act = act_punch },
	{ .name = "cow", .map = map_anonymous, .act = act_fork, .after_store = end_helper },
	{ .name = "migrate", .map = map_anonymous, .act = act_migrate, .lacks = lacks_two_nodes },
	{ .name = NULL },
};
