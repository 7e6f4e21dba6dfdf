// SPDX-License-Identifier: MIT
/* The common rules of all ioctls, and the results of valid calls. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device.h"

#define TAIL		8	/* bytes by which the structure of a newer caller is longer */

/* A valid call. Each test below makes a part of the input invalid. */
struct call {
	unsigned long cmd;
	size_t min_size;	/* of the structure in the ABI that introduced the call */
	size_t reserved;	/* offset of a reserved member */
	uint32_t flags;		/* known flags */
	int fd;
	union {
		uint32_t head[2];	/* size, flags */
		struct pinwatch_info info;
		struct pinwatch_stats stats;
		struct pinwatch_watch_add add;
		struct pinwatch_watch_del del;
		struct pinwatch_watch_repin repin;
		struct pinwatch_watch_query query;
		struct pinwatch_watch_verify verify;
		struct pinwatch_watch_stack stack;
		struct pinwatch_resync resync;
		struct pinwatch_attach attach;
		struct pinwatch_bind bind;
		char bytes[256];
	} arg;
};

#define CALL(name, min, type, known) \
	{ PINWATCH_IOC_##name, min, offsetof(struct type, reserved), known, -1, { { 0 } } }

#define ADD_FLAGS	(PIN_RW | PINWATCH_WATCH_F_ONESHOT | PINWATCH_WATCH_F_STACK | \
			 PINWATCH_WATCH_F_PAGES)

static const struct call calls[] = {
	CALL(GET_INFO, 72, pinwatch_info, 0),
	CALL(GET_STATS, 120, pinwatch_stats, 0),
	CALL(WATCH_ADD, 56, pinwatch_watch_add, ADD_FLAGS),
	CALL(WATCH_DEL, 16, pinwatch_watch_del, 0),
	/* No member is reserved: the highest byte of the flags is 0. */
	{ PINWATCH_IOC_WATCH_REPIN, 32, offsetof(struct pinwatch_watch_repin, flags) + 3,
	  PINWATCH_REPIN_F_KEEP, -1, { { 0 } } },
	CALL(WATCH_QUERY, 128, pinwatch_watch_query, PINWATCH_QUERY_F_NEXT),
	CALL(WATCH_VERIFY, 120, pinwatch_watch_verify, 0),
	CALL(WATCH_STACK, 224, pinwatch_watch_stack, 0),
	CALL(RESYNC, 32, pinwatch_resync, 0),
	CALL(ATTACH, 16, pinwatch_attach, 0),
	CALL(BIND, 16, pinwatch_bind, 0),
};

#define NR_CALLS	((int)(sizeof(calls) / sizeof(calls[0])))

static uint32_t add_watch(int fd)
{
	return add(fd, map_pages(1), page_size(), PINWATCH_WATCH_F_STACK, 0).id;
}

static struct call call_make(int fd, int i)
{
	static struct pinwatch_gen gens[4];
	struct call call = calls[i];

	call.fd = fd;
	call.arg.head[0] = _IOC_SIZE(call.cmd);
	switch (call.cmd) {
	case PINWATCH_IOC_WATCH_ADD:
		call.arg.add.addr = (uintptr_t)map_pages(1);
		call.arg.add.length = page_size();
		break;
	case PINWATCH_IOC_WATCH_DEL:
	case PINWATCH_IOC_WATCH_REPIN:
	case PINWATCH_IOC_WATCH_QUERY:
	case PINWATCH_IOC_WATCH_VERIFY:
	case PINWATCH_IOC_WATCH_STACK:
		/* The id has the same offset in all these structures. */
		call.arg.del.id = add_watch(fd);
		break;
	case PINWATCH_IOC_RESYNC:
		call.arg.resync.gens = (uintptr_t)gens;
		call.arg.resync.nr_ids = 4;
		break;
	case PINWATCH_IOC_ATTACH:
		call.fd = open_device(0);
		call.arg.attach.pid = getpid();
		break;
	case PINWATCH_IOC_BIND:
		call.fd = open_device(0);
		break;
	}
	return call;
}

static int try_call(struct call *call)
{
	return try_ioctl(call->fd, call->cmd, &call->arg);
}

/* The ioctl with another size, in the number and in the structure. */
static unsigned long call_resize(struct call *call, size_t size)
{
	call->arg.head[0] = (uint32_t)size;
	return _IOC(_IOC_DIR(call->cmd), _IOC_TYPE(call->cmd), _IOC_NR(call->cmd), size);
}

TEST(ioctl_valid)
{
	int i, fd = open_device(0);

	for (i = 0; i < NR_CALLS; i++) {
		struct call call = call_make(fd, i);

		CHECK_EQ(try_call(&call), 0);
	}
}

TEST(ioctl_einval_size)
{
	int i, fd = open_device(0);

	for (i = 0; i < NR_CALLS; i++) {
		struct call call = call_make(fd, i);

		call.arg.head[0]--;
		CHECK_EQ(try_call(&call), -EINVAL);
		call.arg.head[0] += 2;
		CHECK_EQ(try_call(&call), -EINVAL);
		call.arg.head[0] = 0;
		CHECK_EQ(try_call(&call), -EINVAL);
	}
}

TEST(ioctl_einval_shorter)
{
	int i, fd = open_device(0);

	for (i = 0; i < NR_CALLS; i++) {
		struct call call = call_make(fd, i);
		size_t size = call.min_size - 8;

		CHECK_EQ(try_ioctl(call.fd, call_resize(&call, size), &call.arg), -EINVAL);
		CHECK_EQ(try_ioctl(call.fd, call_resize(&call, 4), &call.arg), -EINVAL);
		CHECK_EQ(try_ioctl(call.fd, call_resize(&call, 0), &call.arg), -EINVAL);
	}
}

/* A program that was built with the structures of ABI 0.1. */
TEST(ioctl_shortest)
{
	int i, fd = open_device(0);

	for (i = 0; i < NR_CALLS; i++) {
		struct call call = call_make(fd, i);
		size_t size = call.min_size;

		memset(call.arg.bytes + size, 0x55, sizeof(call.arg) - size);
		CHECK_EQ(try_ioctl(call.fd, call_resize(&call, size), &call.arg), 0);
		CHECK_EQ(call.arg.bytes[size], 0x55);
	}
}

TEST(ioctl_longer_zero)
{
	int i, fd = open_device(0);

	for (i = 0; i < NR_CALLS; i++) {
		struct call call = call_make(fd, i);
		size_t size = _IOC_SIZE(call.cmd) + TAIL;

		CHECK_EQ(try_ioctl(call.fd, call_resize(&call, size), &call.arg), 0);
	}
}

TEST(ioctl_e2big)
{
	int i, fd = open_device(0);

	for (i = 0; i < NR_CALLS; i++) {
		struct call call = call_make(fd, i);
		size_t size = _IOC_SIZE(call.cmd) + TAIL;

		call.arg.bytes[size - 1] = 1;
		CHECK_EQ(try_ioctl(call.fd, call_resize(&call, size), &call.arg), -E2BIG);
	}
}

TEST(ioctl_einval_flags)
{
	int i, fd = open_device(0);

	for (i = 0; i < NR_CALLS; i++) {
		struct call call = call_make(fd, i);
		uint32_t bit;

		for (bit = 1; bit; bit <<= 1) {
			if (bit & call.flags)
				continue;
			call.arg.head[1] = bit;
			CHECK_EQ(try_call(&call), -EINVAL);
		}
	}
}

TEST(ioctl_einval_reserved)
{
	int i, fd = open_device(0);

	for (i = 0; i < NR_CALLS; i++) {
		struct call call = call_make(fd, i);

		call.arg.bytes[call.reserved] = 1;
		CHECK_EQ(try_call(&call), -EINVAL);
	}
}

TEST(ioctl_efault)
{
	int i, fd = open_device(0);
	void *hole = map_pages(1);

	for (i = 0; i < NR_CALLS; i++) {
		struct call call = call_make(fd, i);

		CHECK_EQ(try_ioctl(call.fd, call.cmd, NULL), -EFAULT);
		CHECK_EQ(try_ioctl(call.fd, call.cmd, (void *)1), -EFAULT);
	}
	CHECK_EQ(munmap(hole, page_size()), 0);
	CHECK_EQ(try_ioctl(fd, PINWATCH_IOC_GET_INFO, hole), -EFAULT);
}

/* WATCH_ADD that cannot copy out its result deletes the watch. */
TEST(ioctl_efault_result)
{
	int fd = open_device(0);
	struct pinwatch_watch_add *watch = (void *)map_pages(1);

	*watch = (struct pinwatch_watch_add){
		.size = sizeof(*watch), .flags = PIN,
		.addr = (uintptr_t)map_pages(4), .length = 4 * page_size(),
	};
	CHECK_EQ(mprotect(watch, page_size(), PROT_READ), 0);
	CHECK_EQ(try_ioctl(fd, PINWATCH_IOC_WATCH_ADD, watch), -EFAULT);
	CHECK_EQ(get_info(fd).nr_watches, 0);
	CHECK_EQ(get_stats().pinned_pages, 0);
}

TEST(ioctl_enotty)
{
	int fd = open_device(0);
	struct pinwatch_info info = { .size = sizeof(info) };

	CHECK_EQ(try_ioctl(fd, _IOWR(PINWATCH_IOC_MAGIC, 0x7f, struct pinwatch_info), &info),
		 -ENOTTY);
	CHECK_EQ(try_ioctl(fd, _IOWR(PINWATCH_IOC_MAGIC + 1, 0x00, struct pinwatch_info),
			   &info),
		 -ENOTTY);
	CHECK_EQ(try_ioctl(fd, _IOR(PINWATCH_IOC_MAGIC, 0x00, struct pinwatch_info), &info),
		 -ENOTTY);
	CHECK_EQ(try_ioctl(fd, _IO(PINWATCH_IOC_MAGIC, 0x00), &info), -ENOTTY);
}

TEST(info_values)
{
	int fd = open_device(0);
	struct pinwatch_info info = get_info(fd);

	CHECK_EQ(info.abi_major, PINWATCH_ABI_MAJOR);
	CHECK_EQ(info.abi_minor, PINWATCH_ABI_MINOR);
	CHECK_EQ(info.features, PINWATCH_FEATURE_PIN | PINWATCH_FEATURE_GEN |
		 PINWATCH_FEATURE_VERIFY);
	CHECK_EQ(info.page_size, page_size());
	CHECK_EQ(info.event_size, sizeof(struct pinwatch_event));
	CHECK_EQ(info.nr_watches, 0);
	CHECK(info.max_pin_pages > 0);
	CHECK(info.watch_flags & PIN_RW);
	CHECK_EQ(info.events, PINWATCH_EVENT_ALL);
	CHECK_EQ(info.causes, PINWATCH_CAUSE_ALL);
	CHECK(info.hits_offset > 0 && info.hits_offset < page_size());
	CHECK_EQ(info.hits_offset % sizeof(struct pinwatch_gen), 0);
	CHECK(info.gen_map_size >= info.max_watches * sizeof(struct pinwatch_gen));
	CHECK_EQ(info.gen_map_size % page_size(), 0);

	add(fd, map_pages(1), page_size(), WATCH, 0);
	CHECK_EQ(get_info(fd).nr_watches, 1);
}

/* The mask of GET_INFO and WATCH_ADD agree on each flag. */
TEST(info_watch_flags)
{
	int fd = open_device(0);
	char *addr = map_pages(1);
	uint32_t known = get_info(fd).watch_flags, flag;

	for (flag = 1; flag; flag <<= 1) {
		struct pinwatch_watch_add watch;
		uint32_t flags = flag == PINWATCH_WATCH_F_WRITE ? PIN_RW : flag;
		int ret = try_add(fd, addr, page_size(), flags, 0, &watch);

		CHECK_EQ(ret == -EINVAL, !(known & flag));
	}
}

TEST(stats_values)
{
	struct pinwatch_stats before = get_stats(), after;
	char *addr = map_pages(4);
	int fd = open_device(0);

	add(fd, addr, 4 * page_size(), PIN_RW, 0);
	add(fd, addr, page_size(), WATCH, 0);
	dontneed(addr, page_size());
	after = get_stats();
	CHECK_EQ(after.nr_files, before.nr_files + 1);
	CHECK_EQ(after.nr_watches, before.nr_watches + 2);
	CHECK_EQ(after.nr_subscriptions, before.nr_subscriptions + 2);
	CHECK_EQ(after.pinned_pages, before.pinned_pages + 4);
	CHECK(after.nr_mms >= 1);
	CHECK(after.walks > before.walks);
	CHECK(after.callbacks >= before.callbacks + 2);
}
