// SPDX-License-Identifier: MIT
/* The ioctls' common rules, and what each returns on valid input. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device.h"

#define TAIL		8	/* bytes that a newer caller knows */

/* A call with valid input, of which each test below spoils one thing. */
struct call {
	unsigned long cmd;
	size_t reserved;	/* offset of a reserved member */
	union {
		uint32_t head[2];	/* size, flags */
		struct pinwatch_info info;
		struct pinwatch_stats stats;
		struct pinwatch_watch_add add;
		struct pinwatch_watch_del del;
		char bytes[256];
	} arg;
};

#define NR_CALLS	4

static struct call call_make(int fd, int i)
{
	static const struct call calls[NR_CALLS] = {
		{ PINWATCH_IOC_GET_INFO, offsetof(struct pinwatch_info, reserved), { { 0 } } },
		{ PINWATCH_IOC_GET_STATS, offsetof(struct pinwatch_stats, reserved), { { 0 } } },
		{ PINWATCH_IOC_WATCH_ADD, offsetof(struct pinwatch_watch_add, reserved),
		  { { 0 } } },
		{ PINWATCH_IOC_WATCH_DEL, offsetof(struct pinwatch_watch_del, reserved),
		  { { 0 } } },
	};
	struct call call = calls[i];

	call.arg.head[0] = _IOC_SIZE(call.cmd);
	if (call.cmd == PINWATCH_IOC_WATCH_ADD) {
		call.arg.add.addr = (uintptr_t)x_pages(1);
		call.arg.add.length = page_size();
	}
	if (call.cmd == PINWATCH_IOC_WATCH_DEL)
		call.arg.del.id = x_add(fd, x_pages(1), page_size(), WATCH, 0).id;
	return call;
}

/* The same ioctl with another size in its number (and in the structure). */
static unsigned long call_resize(struct call *call, size_t size)
{
	call->arg.head[0] = (uint32_t)size;
	return _IOC(_IOC_DIR(call->cmd), _IOC_TYPE(call->cmd), _IOC_NR(call->cmd), size);
}

static void test_valid(void)
{
	int i, fd = x_open(0);

	for (i = 0; i < NR_CALLS; i++) {
		struct call call = call_make(fd, i);

		CHECK_EQ(__device_ioctl(fd, call.cmd, &call.arg), 0);
	}
}

static void test_size_einval(void)
{
	int i, fd = x_open(0);

	for (i = 0; i < NR_CALLS; i++) {
		struct call call = call_make(fd, i);

		call.arg.head[0]--;
		CHECK_EQ(__device_ioctl(fd, call.cmd, &call.arg), -EINVAL);
		call.arg.head[0] += 2;
		CHECK_EQ(__device_ioctl(fd, call.cmd, &call.arg), -EINVAL);
		call.arg.head[0] = 0;
		CHECK_EQ(__device_ioctl(fd, call.cmd, &call.arg), -EINVAL);
	}
}

static void test_shorter_einval(void)
{
	int i, fd = x_open(0);

	for (i = 0; i < NR_CALLS; i++) {
		struct call call = call_make(fd, i);
		size_t size = _IOC_SIZE(call.cmd) - 8;

		CHECK_EQ(__device_ioctl(fd, call_resize(&call, size), &call.arg), -EINVAL);
		CHECK_EQ(__device_ioctl(fd, call_resize(&call, 4), &call.arg), -EINVAL);
		CHECK_EQ(__device_ioctl(fd, call_resize(&call, 0), &call.arg), -EINVAL);
	}
}

static void test_longer_zero_is_accepted(void)
{
	int i, fd = x_open(0);

	for (i = 0; i < NR_CALLS; i++) {
		struct call call = call_make(fd, i);
		size_t size = _IOC_SIZE(call.cmd) + TAIL;

		CHECK_EQ(__device_ioctl(fd, call_resize(&call, size), &call.arg), 0);
	}
}

static void test_longer_nonzero_e2big(void)
{
	int i, fd = x_open(0);

	for (i = 0; i < NR_CALLS; i++) {
		struct call call = call_make(fd, i);
		size_t size = _IOC_SIZE(call.cmd) + TAIL;

		call.arg.bytes[size - 1] = 1;
		CHECK_EQ(__device_ioctl(fd, call_resize(&call, size), &call.arg), -E2BIG);
	}
}

static void test_flags_einval(void)
{
	int i, fd = x_open(0);

	for (i = 0; i < NR_CALLS; i++) {
		struct call call = call_make(fd, i);
		uint32_t bit;

		for (bit = 1; bit; bit <<= 1) {
			if (call.cmd == PINWATCH_IOC_WATCH_ADD && (bit & PIN_RW))
				continue;
			call.arg.head[1] = bit;
			CHECK_EQ(__device_ioctl(fd, call.cmd, &call.arg), -EINVAL);
		}
	}
}

static void test_reserved_einval(void)
{
	int i, fd = x_open(0);

	for (i = 0; i < NR_CALLS; i++) {
		struct call call = call_make(fd, i);

		call.arg.bytes[call.reserved] = 1;
		CHECK_EQ(__device_ioctl(fd, call.cmd, &call.arg), -EINVAL);
	}
}

static void test_efault(void)
{
	int i, fd = x_open(0);
	void *hole = x_pages(1);

	for (i = 0; i < NR_CALLS; i++) {
		struct call call = call_make(fd, i);

		CHECK_EQ(__device_ioctl(fd, call.cmd, NULL), -EFAULT);
		CHECK_EQ(__device_ioctl(fd, call.cmd, (void *)1), -EFAULT);
	}
	CHECK_EQ(munmap(hole, page_size()), 0);
	CHECK_EQ(__device_ioctl(fd, PINWATCH_IOC_GET_INFO, hole), -EFAULT);
}

/* A result that cannot be delivered leaves no watch behind. */
static void test_add_efault_result(void)
{
	int fd = x_open(0);
	struct pinwatch_watch_add *add = (void *)x_pages(1);

	*add = (struct pinwatch_watch_add){
		.size = sizeof(*add), .flags = PIN,
		.addr = (uintptr_t)x_pages(4), .length = 4 * page_size(),
	};
	CHECK_EQ(mprotect(add, page_size(), PROT_READ), 0);
	CHECK_EQ(__device_ioctl(fd, PINWATCH_IOC_WATCH_ADD, add), -EFAULT);
	CHECK_EQ(x_info(fd).nr_watches, 0);
	CHECK_EQ(x_stats().pinned_pages, 0);
}

static void test_enotty(void)
{
	int fd = x_open(0);
	struct pinwatch_info info = { .size = sizeof(info) };

	CHECK_EQ(__device_ioctl(fd, _IOWR(PINWATCH_IOC_MAGIC, 0x7f, struct pinwatch_info), &info),
		 -ENOTTY);
	CHECK_EQ(__device_ioctl(fd, _IOWR(PINWATCH_IOC_MAGIC + 1, 0x00, struct pinwatch_info),
				&info),
		 -ENOTTY);
	CHECK_EQ(__device_ioctl(fd, _IOR(PINWATCH_IOC_MAGIC, 0x00, struct pinwatch_info), &info),
		 -ENOTTY);
	CHECK_EQ(__device_ioctl(fd, _IO(PINWATCH_IOC_MAGIC, 0x00), &info), -ENOTTY);
}

static void test_info(void)
{
	int fd = x_open(0);
	struct pinwatch_info info = x_info(fd);

	CHECK_EQ(info.abi_major, PINWATCH_ABI_MAJOR);
	CHECK_EQ(info.abi_minor, PINWATCH_ABI_MINOR);
	CHECK_EQ(info.features, PINWATCH_FEATURE_PIN | PINWATCH_FEATURE_GEN);
	CHECK_EQ(info.page_size, page_size());
	CHECK_EQ(info.event_size, sizeof(struct pinwatch_event));
	CHECK_EQ(info.nr_watches, 0);
	CHECK(info.max_pin_pages > 0);
	CHECK(info.gen_map_size >= info.max_watches * sizeof(struct pinwatch_gen));
	CHECK_EQ(info.gen_map_size % page_size(), 0);

	x_add(fd, x_pages(1), page_size(), WATCH, 0);
	CHECK_EQ(x_info(fd).nr_watches, 1);
}

static void test_stats(void)
{
	struct pinwatch_stats before = x_stats(), after;
	char *addr = x_pages(4);
	int fd = x_open(0);

	x_add(fd, addr, 4 * page_size(), PIN_RW, 0);
	x_add(fd, addr, page_size(), WATCH, 0);
	x_dontneed(addr, page_size());
	after = x_stats();
	CHECK_EQ(after.nr_files, before.nr_files + 1);
	CHECK_EQ(after.nr_watches, before.nr_watches + 2);
	CHECK_EQ(after.nr_subscriptions, before.nr_subscriptions + 2);
	CHECK_EQ(after.pinned_pages, before.pinned_pages + 4);
	CHECK(after.nr_mms >= 1);
	CHECK(after.walks > before.walks);
	CHECK(after.callbacks >= before.callbacks + 2);
}

int main(void)
{
	static const struct ktap_test tests[] = {
		{ "ioctl_valid", test_valid },
		{ "ioctl_einval_size", test_size_einval },
		{ "ioctl_einval_shorter", test_shorter_einval },
		{ "ioctl_longer_zero", test_longer_zero_is_accepted },
		{ "ioctl_e2big", test_longer_nonzero_e2big },
		{ "ioctl_einval_flags", test_flags_einval },
		{ "ioctl_einval_reserved", test_reserved_einval },
		{ "ioctl_efault", test_efault },
		{ "ioctl_efault_result", test_add_efault_result },
		{ "ioctl_enotty", test_enotty },
		{ "info_values", test_info },
		{ "stats_values", test_stats },
		{ "counters_are_back", test_counters_are_back },
		{ NULL, NULL },
	};

	counters_remember();
	return ktap_main(tests);
}
