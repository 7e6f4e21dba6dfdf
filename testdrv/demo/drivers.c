// SPDX-License-Identifier: MIT
/* One case of a driver model: the process, the thread that reads, the oracle; see drivers.h. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../examples/drivers/model_abi.h"
#include "clock.h"
#include "drivers.h"

#define MAX_TRIES	10000	/* of a read after a step; an invalidation may collide */
#define HURRY_US	1000
#define PAUSE_US	12000	/* longer than the shortest sleep of a kernel with HZ=100 */

const char *const drivers_models[] = {
	"hfi1_exp_rcv", "i915_userptr", "amdgpu_mn", "nouveau_svm",
	"xe_userptr", "vhost_meta", "scif_dma", "hfi1_sdma",
	NULL,
};

static uint64_t load(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_SEQ_CST);
}

static void store(uint64_t *counter, uint64_t value)
{
	__atomic_store_n(counter, value, __ATOMIC_SEQ_CST);
}

static void count(uint64_t *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

int drivers_open(const char *model)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/pinwatch_%s", model);
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The word after @step. */
static uint64_t step_value(const struct drivers_op *op, uint64_t step)
{
	if (step % 2 == 0)
		return step;
	return op->clears ? 0 : step - 1;
}

/* Did memory hold @value at a time after step @low was done, and before @high was begun? */
static bool is_current(const struct drivers_op *op, uint64_t value, uint64_t low, uint64_t high)
{
	uint64_t step;

	for (step = low; step <= high; step++)
		if (step_value(op, step) == value)
			return true;
	return false;
}

static void stale_record(struct drivers_case *c, uint64_t value, uint64_t low, uint64_t high)
{
	count(&c->nr_stale);
	store(&c->stale_value, value);
	store(&c->stale_low, low);
	store(&c->stale_high, high);
}

/* Read the ids of the objects that are invalid, and add the page of the word again. */
static void page_add(struct drivers_case *c)
{
	struct model_range range = {
		.addr = (uintptr_t)(c->addr + c->page_size), .length = c->page_size,
	};
	__u32 id;

	while (!ioctl(c->device, MODEL_IOC_NEXT, &id))
		;
	/* An invalidation may collide; then the next read is refused, too. */
	ioctl(c->device, MODEL_IOC_ADD, &range);
}

int drivers_read(struct drivers_case *c)
{
	struct model_access access = { .addr = (uintptr_t)c->word };
	uint64_t low = load(&c->done), high;
	int ret = ioctl(c->device, MODEL_IOC_ACCESS, &access) ? -errno : 0;

	high = load(&c->begun);
	if (!ret) {
		count(&c->nr_reads);
		if (!is_current(c->op, access.value, low, high))
			stale_record(c, access.value, low, high);
		return 0;
	}
	if (ret != -EFAULT && ret != -EAGAIN)
		return ret;
	count(&c->nr_refused);
	if (ret == -EFAULT)
		page_add(c);
	return -EAGAIN;
}

static void *reader_main(void *arg)
{
	struct drivers_case *c = arg;

	while (!__atomic_load_n(&c->stop, __ATOMIC_RELAXED))
		drivers_read(c);
	return NULL;
}

/* Nothing changes meanwhile, so the device must succeed in the end. */
static int read_after_step(struct drivers_case *c)
{
	unsigned int tries;
	int ret = -EAGAIN;

	for (tries = 0; ret == -EAGAIN && tries < MAX_TRIES; tries++)
		ret = drivers_read(c);
	return ret;
}

/*
 * After half of the steps, the process does not wait until the device has read the word, so
 * that the next step collides with the read section of the other thread.
 */
static bool is_hurried(uint64_t number)
{
	return number % 8 < 4;
}

static int step(struct drivers_case *c)
{
	uint64_t number = c->begun + 1;
	int ret = 0;

	store(&c->begun, number);
	if (number % 2)
		ret = c->op->act(c);
	else
		store(c->word, number);
	store(&c->done, number);
	if (number % 2 == 0 && c->op->after_store)
		c->op->after_store(c);
	if (ret || !is_hurried(number))
		return ret ? ret : read_after_step(c);
	usleep(HURRY_US);
	return 0;
}

/* In a pause, the other thread reads the word in pages that a collision may have left. */
static int steps(struct drivers_case *c, uint64_t duration_ns)
{
	uint64_t end = now_ns() + duration_ns;
	int ret = 0;

	while (!ret && now_ns() < end) {
		ret = step(c);
		if (!ret)
			ret = step(c);
		if (c->begun % 8 == 0)
			usleep(PAUSE_US);
	}
	return ret;
}

static int case_prepare(struct drivers_case *c, const char *model)
{
	struct model_range range = { .length = DRIVERS_PAGES * c->page_size };
	void *map = mmap(NULL, range.length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int ret;

	if (map == MAP_FAILED)
		return -errno;
	c->addr = map;
	c->word = (uint64_t *)(c->addr + c->page_size + 64);
	ret = c->op->map(c);
	if (ret)
		return ret;
	c->device = drivers_open(model);
	if (c->device < 0)
		return c->device;
	range.addr = (uintptr_t)c->addr;
	return ioctl(c->device, MODEL_IOC_ADD, &range) ? -errno : 0;
}

static int case_run(struct drivers_case *c, const char *model, uint64_t duration_ns)
{
	pthread_t reader;
	int ret = case_prepare(c, model);

	if (ret)
		return ret;
	if (pthread_create(&reader, NULL, reader_main, c))
		return -EAGAIN;
	ret = steps(c, duration_ns);
	__atomic_store_n(&c->stop, true, __ATOMIC_RELAXED);
	pthread_join(reader, NULL);
	return ret;
}

static void result_describe(const struct drivers_case *c, struct drivers_result *result, int ret)
{
	result->nr_steps = c->done;
	result->nr_reads = c->nr_reads;
	result->nr_refused = c->nr_refused;
	result->nr_stale = c->nr_stale;
	if (ret) {
		result->verdict = DRIVERS_FAILED;
		snprintf(result->saw, sizeof(result->saw), "step %" PRIu64 ": %s", c->begun,
			 strerror(-ret));
	} else if (c->nr_stale) {
		result->verdict = DRIVERS_STALE;
		snprintf(result->saw, sizeof(result->saw),
			 "%" PRIu64 " in a read from step %" PRIu64 " to %" PRIu64, c->stale_value,
			 c->stale_low, c->stale_high);
	} else {
		result->verdict = DRIVERS_COHERENT;
		snprintf(result->saw, sizeof(result->saw), "current values only");
	}
}

/* In the child; the parent shares @result. */
static void child_main(const struct drivers_op *op, uint64_t duration_ns,
		       struct drivers_result *result)
{
	struct drivers_case c = {
		.op = op, .device = -1, .file = -1, .helper_pipe = -1,
		.page_size = (size_t)sysconf(_SC_PAGESIZE),
	};

	result_describe(&c, result, case_run(&c, result->model, duration_ns));
	_exit(0);
}

static void result_fail(struct drivers_result *result, const char *why)
{
	result->verdict = DRIVERS_FAILED;
	snprintf(result->saw, sizeof(result->saw), "%s", why);
}

void drivers_run(const char *model, const struct drivers_op *op, uint64_t duration_ns,
		 struct drivers_result *result)
{
	struct drivers_result *shared;
	const char *lacks = op->lacks ? op->lacks() : NULL;
	int status;
	pid_t pid;

	*result = (struct drivers_result){ .model = model, .operation = op->name };
	if (lacks) {
		result->verdict = DRIVERS_SKIPPED;
		snprintf(result->saw, sizeof(result->saw), "needs %s", lacks);
		return;
	}
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (shared == MAP_FAILED) {
		result_fail(result, strerror(errno));
		return;
	}
	*shared = *result;
	pid = fork();
	if (!pid)
		child_main(op, duration_ns, shared);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		result_fail(shared, strerror(errno));
	else if (status)
		result_fail(shared, "the process died");
	*result = *shared;
	munmap(shared, sizeof(*shared));
}
