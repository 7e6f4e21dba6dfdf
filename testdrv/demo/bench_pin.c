// SPDX-License-Identifier: MIT
/* Pinning: WATCH_ADD compared with io_uring's registered buffers; see bench.h. */
#include <errno.h>
#include <linux/io_uring.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "bench.h"

/* A measurement ends when NR_PAGES pages were pinned or ENOUGH_NS has passed. */
#define NR_PAGES	20000
#define ENOUGH_NS	1000000000ULL

struct pins {
	struct pinwatch *dev;
	int ring;		/* an io_uring, or -errno */
	char *addr;
	size_t nr_pages, length;
};

/* Pin and unpin once; add the durations to *pin_ns and *unpin_ns. 0 or -errno. */
typedef int pin_fn(struct pins *pins, uint64_t *pin_ns, uint64_t *unpin_ns);

static int watch_once(struct pins *pins, uint64_t *pin_ns, uint64_t *unpin_ns)
{
	uint64_t begin = now_ns(), middle;
	struct pinwatch_watch watch;
	int ret;

	ret = pinwatch_watch_add(pins->dev, pins->addr, pins->length,
				 PINWATCH_WATCH_F_PIN | PINWATCH_WATCH_F_WRITE, 0, &watch);
	middle = now_ns();
	if (ret)
		return ret;
	ret = pinwatch_watch_del(pins->dev, &watch);
	*pin_ns += middle - begin;
	*unpin_ns += now_ns() - middle;
	return ret;
}

static int ring_once(struct pins *pins, uint64_t *pin_ns, uint64_t *unpin_ns)
{
	struct iovec iov = { .iov_base = pins->addr, .iov_len = pins->length };
	uint64_t begin = now_ns(), middle;

	if (syscall(SYS_io_uring_register, pins->ring, IORING_REGISTER_BUFFERS, &iov, 1) < 0)
		return -errno;
	middle = now_ns();
	if (syscall(SYS_io_uring_register, pins->ring, IORING_UNREGISTER_BUFFERS, NULL, 0) < 0)
		return -errno;
	*pin_ns += middle - begin;
	*unpin_ns += now_ns() - middle;
	return 0;
}

static int pins_time(struct bench *bench, struct pins *pins, const char *pin, const char *unpin,
		     pin_fn *once)
{
	uint64_t pin_ns = 0, unpin_ns = 0;
	size_t nr = 0;
	int ret;

	do {
		ret = once(pins, &pin_ns, &unpin_ns);
		nr++;
	} while (!ret && nr * pins->nr_pages < NR_PAGES && pin_ns + unpin_ns < ENOUGH_NS);
	if (ret)
		return ret;
	bench_report(bench, pin, pins->nr_pages, (double)pin_ns / (double)nr / 1000, "us each");
	bench_report(bench, unpin, pins->nr_pages, (double)unpin_ns / (double)nr / 1000, "us each");
	return 0;
}

static int ring_time(struct bench *bench, struct pins *pins)
{
	char why[96];
	int ret = pins->ring < 0 ? pins->ring :
		pins_time(bench, pins, "io_uring register, pages", "io_uring unregister, pages",
			  ring_once);

	if (ret) {
		snprintf(why, sizeof(why), "io_uring cannot be used here: %s", strerror(-ret));
		bench_skip(bench, "io_uring register, pages", why);
	}
	return 0;
}

static int size_run(struct bench *bench, struct pins *pins)
{
	int ret;

	pins->addr = bench_memory(pins->length, true);
	if (!pins->addr)
		return -ENOMEM;
	ret = pins_time(bench, pins, "pinned watch add, pages", "pinned watch del, pages",
			watch_once);
	if (!ret)
		ret = ring_time(bench, pins);
	munmap(pins->addr, pins->length);
	return ret;
}

int bench_pins(struct bench *bench)
{
	static const size_t sizes[] = { 1, 16, 512 };
	struct io_uring_params params = { 0 };
	struct pins pins = { 0 };
	size_t i;
	int ret;

	ret = pinwatch_open(&pins.dev, bench->device, 0);
	if (ret)
		return ret;
	pins.ring = (int)syscall(SYS_io_uring_setup, 1, &params);
	if (pins.ring < 0)
		pins.ring = -errno;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]) && !ret; i++) {
		pins.nr_pages = sizes[i];
		pins.length = sizes[i] * (size_t)sysconf(_SC_PAGESIZE);
		ret = size_run(bench, &pins);
	}
	if (pins.ring >= 0)
		close(pins.ring);
	pinwatch_close(pins.dev);
	return ret;
}
