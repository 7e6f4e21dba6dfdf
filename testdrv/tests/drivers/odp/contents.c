// SPDX-License-Identifier: MIT
/*
 * odp: after each kind of change the peer reads the new contents, and its writes reach the
 * new pages and not the old ones.
 */
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "odp.h"
#include "sysfs.h"

#define ANONYMOUS	(MAP_PRIVATE | MAP_ANONYMOUS)

/* Values that the memory has one after the other. */
enum { OLD = 0x1001, NEW, PEER, LATER };

static void loop_open_anonymous(struct loop *loop)
{
	loop_open(loop, memory_map(NULL, ANONYMOUS, -1));
	loop_touch(loop, OLD);
}

/* The memory is new, and only zero: read, written by the process, written by the peer. */
static void loop_follows(struct loop *loop, uint64_t callbacks)
{
	engine_called_since(callbacks);
	loop_reads(loop, 0);
	memory_write(loop->memory, NEW);
	loop_reads(loop, NEW);
	loop_writes(loop, PEER);
}

TEST(odp_read_write)
{
	struct loop loop;

	loop_open(&loop, memory_map(NULL, ANONYMOUS, -1));
	loop_reads(&loop, 0);
	memory_write(loop.memory, OLD);
	loop_reads(&loop, OLD);
	loop_writes(&loop, PEER);
	CHECK_EQ(ibv_dereg_mr(loop.mr), 0);
	CHECK(engine_has_subscriptions(0));
}

TEST(odp_munmap_mmap_raw)
{
	struct loop loop;
	uint64_t callbacks;

	loop_open_anonymous(&loop);
	callbacks = engine_callbacks();
	CHECK(!syscall(SYS_munmap, loop.memory, LENGTH));
	engine_called_since(callbacks);
	loop_is_refused(&loop, IBV_WR_RDMA_READ);
	loop_is_refused(&loop, IBV_WR_RDMA_WRITE);
	CHECK_EQ(syscall(SYS_mmap, loop.memory, LENGTH, PROT_READ | PROT_WRITE,
			 ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0), (long)loop.memory);
	loop_follows(&loop, callbacks);
}

TEST(odp_mmap_over)
{
	struct loop loop;
	uint64_t callbacks;

	loop_open_anonymous(&loop);
	callbacks = engine_callbacks();
	memory_map(loop.memory, ANONYMOUS | MAP_FIXED, -1);
	loop_follows(&loop, callbacks);
}

TEST(odp_munmap_of_one_page)
{
	struct loop loop;
	uint64_t callbacks;

	loop_open_anonymous(&loop);
	callbacks = engine_callbacks();
	CHECK(!munmap((char *)loop.memory + 3 * PAGE, PAGE));
	engine_called_since(callbacks);
	loop_is_refused(&loop, IBV_WR_RDMA_READ);
	CHECK_EQ(loop_transfer(&loop, IBV_WR_RDMA_READ, 3 * PAGE), IBV_WC_SUCCESS);
	CHECK_EQ(loop.requester.buffer[3 * PAGE_WORDS - 1], OLD);
}

/* The old pages live on elsewhere, and the peer reaches them no more. */
TEST(odp_mremap)
{
	uint64_t *away = memory_map(NULL, ANONYMOUS, -1);
	struct loop loop;
	uint64_t callbacks;

	loop_open_anonymous(&loop);
	callbacks = engine_callbacks();
	CHECK(mremap(loop.memory, LENGTH, LENGTH, MREMAP_MAYMOVE | MREMAP_FIXED, away) == away);
	engine_called_since(callbacks);
	loop_is_refused(&loop, IBV_WR_RDMA_READ);
	memory_map(loop.memory, ANONYMOUS | MAP_FIXED_NOREPLACE, -1);
	loop_follows(&loop, callbacks);
	CHECK_EQ(memory_other_than(away, OLD), OLD);
}

TEST(odp_mremap_over)
{
	uint64_t *fresh = memory_map(NULL, ANONYMOUS, -1);
	struct loop loop;
	uint64_t callbacks;

	loop_open_anonymous(&loop);
	memory_write(fresh, NEW);
	callbacks = engine_callbacks();
	CHECK(mremap(fresh, LENGTH, LENGTH, MREMAP_MAYMOVE | MREMAP_FIXED, loop.memory) ==
	      loop.memory);
	engine_called_since(callbacks);
	loop_reads(&loop, NEW);
	loop_writes(&loop, PEER);
}

TEST(odp_madvise_dontneed)
{
	struct loop loop;
	uint64_t callbacks;

	loop_open_anonymous(&loop);
	callbacks = engine_callbacks();
	CHECK(!madvise(loop.memory, LENGTH, MADV_DONTNEED));
	loop_follows(&loop, callbacks);
}

/* Another process punches the hole: the pages leave the file, and its mappings. */
TEST(odp_punch_hole)
{
	int status, fd = memfd_create("odp", MFD_CLOEXEC);
	struct loop loop;
	uint64_t callbacks;
	pid_t pid;

	CHECK(fd >= 0 && !ftruncate(fd, LENGTH));
	loop_open(&loop, memory_map(NULL, MAP_SHARED, fd));
	loop_touch(&loop, OLD);
	callbacks = engine_callbacks();
	pid = fork();
	if (!pid)
		_exit(!!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, LENGTH));
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	loop_follows(&loop, callbacks);
}

TEST(odp_truncate)
{
	int fd = memfd_create("odp", MFD_CLOEXEC);
	struct loop loop;
	uint64_t callbacks;

	CHECK(fd >= 0 && !ftruncate(fd, LENGTH));
	loop_open(&loop, memory_map(NULL, MAP_SHARED, fd));
	loop_touch(&loop, OLD);
	callbacks = engine_callbacks();
	CHECK(!ftruncate(fd, 0));
	engine_called_since(callbacks);
	loop_is_refused(&loop, IBV_WR_RDMA_READ);
	CHECK(!ftruncate(fd, LENGTH));
	loop_follows(&loop, callbacks);
}

TEST(odp_mprotect)
{
	struct loop loop;
	uint64_t callbacks;

	loop_open_anonymous(&loop);
	callbacks = engine_callbacks();
	CHECK(!mprotect(loop.memory, LENGTH, PROT_READ));
	engine_called_since(callbacks);
	memory_write(loop.requester.buffer, PEER);
	loop_is_refused(&loop, IBV_WR_RDMA_WRITE);
	CHECK_EQ(memory_other_than(loop.memory, OLD), OLD);
	callbacks = engine_callbacks();
	CHECK(!mprotect(loop.memory, LENGTH, PROT_NONE));
	engine_called_since(callbacks);
	loop_is_refused(&loop, IBV_WR_RDMA_READ);
	CHECK(!mprotect(loop.memory, LENGTH, PROT_READ | PROT_WRITE));
	loop_reads(&loop, OLD);
	loop_writes(&loop, LATER);
}

TEST(odp_migrate)
{
	struct loop loop;
	uint64_t callbacks;
	int i;

	if (access("/sys/devices/system/node/node1", F_OK))
		SKIP("a second NUMA node");
	loop_open_anonymous(&loop);
	CHECK(memory_move(loop.memory, 0));
	for (i = 0; i < 4; i++) {
		loop_touch(&loop, OLD + i);
		callbacks = engine_callbacks();
		CHECK(memory_move(loop.memory, !(i % 2)));
		engine_called_since(callbacks);
		loop_reads(&loop, OLD + i);
		memory_write(loop.memory, NEW + i);
		loop_reads(&loop, NEW + i);
		loop_writes(&loop, PEER + i);
	}
}
