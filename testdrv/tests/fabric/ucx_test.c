// SPDX-License-Identifier: MIT
/*
 * libpinwatch-ucx.so on the fake device of ../lib, and on fake libraries (fake_ucx.h) that each
 * test loads. The program itself stands for the preloaded object: its symbols come first.
 */
#include <dlfcn.h>
#include <errno.h>
#include <libgen.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/fake.h"
#include "fake_ucx.h"
#include "test.h"

#define NR_THREADS	4
#define NR_ROUNDS	2000

static struct fake_ucs *ucs;
static struct fake_ucm *ucm;
static struct fake_verbs *verbs;
static int open_error;		/* -errno of pinwatch_open(), or 0 */
static unsigned int nr_opens;

int __wrap_pinwatch_open(struct pinwatch **dev, const char *path, unsigned int flags)
{
	CHECK(!path);
	CHECK_EQ(flags, PINWATCH_OPEN_NONBLOCK);
	nr_opens++;
	if (open_error)
		return open_error;
	*dev = fake_open();
	return 0;
}

static size_t nr_munmaps(void)
{
	return __atomic_load_n(&ucm->nr_munmaps, __ATOMIC_ACQUIRE);
}

/* Load fakes that lie in the folder of this program. */
static void *fake_load(const char *file, int flags, const char *symbol)
{
	char program[4096], path[4200];
	ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
	void *library, *data;

	CHECK(length > 0);
	program[length] = 0;
	snprintf(path, sizeof(path), "%s/%s", dirname(program), file);
	library = dlopen(path, RTLD_NOW | flags);
	if (!library)
		FAIL("%s", dlerror());
	data = dlsym(library, symbol);
	CHECK(data);
	return data;
}

static void load(const char *libucs, int flags)
{
	ucm = fake_load("libucm.so.0", flags, "fake_ucm");
	ucs = fake_load(libucs, flags, "fake_ucs");
	verbs = fake_load("libibverbs.so.1", flags, "fake_verbs");
	ucs->nr_munmaps = nr_munmaps;
}

/* Invalidate as the module does: the word of the descriptor changes last. */
static void hit(const void *addr, size_t length)
{
	const struct pinwatch_event event = {
		.size = sizeof(event), .start = (uintptr_t)addr, .end = (uintptr_t)addr + length,
	};

	CHECK_EQ(write(fake.event_fd, &event, sizeof(event)), sizeof(event));
	fake_invalidate(addr, length);
}

/* A cache and a registration of page 0, looked up once by this thread. */
static struct fake_rcache *start(int flags, struct ibv_mr **mr)
{
	struct fake_rcache *rcache;

	load("libucs.so.0", flags);
	rcache = ucs->create();
	CHECK(rcache);
	*mr = verbs->reg(fake_page(0), FAKE_PAGE);
	CHECK(*mr);
	CHECK(!ucs->lookup(&rcache->pgtable));
	CHECK(ucs->lookup(&rcache->pgtable) == &rcache->pgtable);
	return rcache;
}

/* The caller replaces stderr. Returns the number of lines, and the text in @text. */
static int stderr_lines(int file, char *text, size_t size)
{
	ssize_t length = pread(file, text, size - 1, 0);
	int nr = 0;

	CHECK(length >= 0);
	text[length] = 0;
	for (; (text = strchr(text, '\n')); text++)
		nr++;
	return nr;
}

static int stderr_replace(void)
{
	int file = memfd_create("stderr", MFD_CLOEXEC);

	CHECK(file >= 0 && dup2(file, STDERR_FILENO) >= 0);
	return file;
}

static size_t watches_at_reg;

static void note_watches(void)
{
	watches_at_reg = fake.nr_watches;
}

static void check_watch(int flags)
{
	struct ibv_mr *mr;

	start(flags, &mr);
	CHECK_EQ(fake.nr_watches, 1);
	CHECK_EQ(fake.last.add.flags, PINWATCH_WATCH_F_PAGES);
	CHECK_EQ(fake.last.add.addr, (uintptr_t)fake_page(0));
	CHECK_EQ(fake.last.add.length, FAKE_PAGE);
	verbs->on_reg = note_watches;
	mr = verbs->reg(fake_page(1), FAKE_PAGE);
	CHECK_EQ(watches_at_reg, 2);
	CHECK_EQ(verbs->dereg(mr), 0);
	CHECK_EQ(fake.nr_watches, 1);
	verbs->fail = true;
	CHECK(!verbs->reg(fake_page(1), FAKE_PAGE));
	CHECK_EQ(watches_at_reg, 2);
	CHECK_EQ(fake.nr_watches, 1);
}

TEST(ucx_watch_before_register)
{
	check_watch(RTLD_GLOBAL);
}

/* RTLD_NEXT does not find the functions of a plugin. */
TEST(ucx_watch_before_register_plugin)
{
	check_watch(RTLD_LOCAL);
}

TEST(ucx_unchanged_reads_nothing)
{
	const struct pinwatch_event event = { .size = sizeof(event) };
	struct ibv_mr *mr;
	struct fake_rcache *rcache = start(RTLD_GLOBAL, &mr);

	CHECK_EQ(write(fake.event_fd, &event, sizeof(event)), sizeof(event));
	CHECK(ucs->lookup(&rcache->pgtable));
	CHECK_EQ(nr_munmaps(), 0);
	fake_invalidate(fake_page(0), FAKE_PAGE);
	CHECK(!ucs->lookup(&rcache->pgtable));
	CHECK_EQ(nr_munmaps(), 1);
}

static void check_hit(int flags)
{
	struct ibv_mr *mr;
	struct fake_rcache *rcache = start(flags, &mr);
	size_t lookups = ucs->nr_lookups;

	hit(fake_page(0) + 1024, 2048);
	CHECK(!ucs->lookup(&rcache->pgtable));
	CHECK_EQ(ucs->nr_lookups, lookups);
	CHECK_EQ(nr_munmaps(), 1);
	CHECK(ucm->munmaps[0].addr == fake_page(0) + 1024);
	CHECK_EQ(ucm->munmaps[0].length, 2048);
	CHECK(ucs->lookup(&rcache->pgtable) == &rcache->pgtable);
	CHECK_EQ(nr_munmaps(), 1);
}

TEST(ucx_hit_returns_null)
{
	check_hit(RTLD_GLOBAL);
}

TEST(ucx_hit_returns_null_plugin)
{
	check_hit(RTLD_LOCAL);
}

/* More events than one read() returns */
TEST(ucx_hit_many)
{
	struct ibv_mr *mr;
	struct fake_rcache *rcache = start(RTLD_GLOBAL, &mr);
	size_t i;

	for (i = 0; i < 50; i++)
		hit(fake_page(0), i + 1);
	CHECK(!ucs->lookup(&rcache->pgtable));
	CHECK_EQ(nr_munmaps(), 50);
	for (i = 0; i < 50; i++)
		CHECK_EQ(ucm->munmaps[i].length, i + 1);
}

/* The events are delivered before ucs_rcache_get() checks its queue. */
TEST(ucx_get_delivers_first)
{
	struct ibv_mr *mr;
	struct fake_rcache *rcache = start(RTLD_GLOBAL, &mr);
	struct fake_get get;

	hit(fake_page(0), FAKE_PAGE);
	CHECK_EQ(ucs->get(rcache, 2, &get), 7);
	CHECK_EQ(get.nr_munmaps, 1);
	CHECK(get.region == &rcache->pgtable);
	CHECK_EQ(get.words[0], (uintptr_t)rcache);
	CHECK_EQ(get.words[1], 2);
	CHECK_EQ(get.words[2], 3);
	CHECK_EQ(get.words[3], 4);
	CHECK_EQ(get.words[4], 5);
	CHECK_EQ(get.words[5], 6);
}

/* In the table of the memory type cache, NULL would mean memory of the host. */
TEST(ucx_hit_other_table)
{
	struct ibv_mr *mr;
	struct fake_rcache *rcache = start(RTLD_GLOBAL, &mr);
	long other;

	ucs->init(&other);
	hit(fake_page(0), FAKE_PAGE);
	CHECK(ucs->lookup(&other) == &other);
	CHECK(!ucs->lookup(&rcache->pgtable));
}

static struct fake_rcache *shared;

static void *lookup_twice(void *data)
{
	pthread_barrier_t *barrier = data;

	CHECK(!ucs->lookup(&shared->pgtable));
	CHECK(ucs->lookup(&shared->pgtable));
	pthread_barrier_wait(barrier);
	pthread_barrier_wait(barrier);
	CHECK(!ucs->lookup(&shared->pgtable));
	CHECK(ucs->lookup(&shared->pgtable));
	return NULL;
}

/*
 * This thread delivers the event. The other thread may have checked the queue of the cache
 * before: it must get NULL as well.
 */
TEST(ucx_hit_each_thread)
{
	pthread_barrier_t barrier;
	struct ibv_mr *mr;
	pthread_t thread;

	shared = start(RTLD_GLOBAL, &mr);
	CHECK_EQ(pthread_barrier_init(&barrier, NULL, 2), 0);
	CHECK_EQ(pthread_create(&thread, NULL, lookup_twice, &barrier), 0);
	pthread_barrier_wait(&barrier);
	hit(fake_page(0), FAKE_PAGE);
	CHECK(!ucs->lookup(&shared->pgtable));
	CHECK_EQ(nr_munmaps(), 1);
	pthread_barrier_wait(&barrier);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(nr_munmaps(), 1);
}

static void *lookup_in_handler;

static void handler(void)
{
	lookup_in_handler = ucs->lookup(&shared->pgtable);
}

/* A handler of ucm_vm_munmap() looks up a region: no deadlock, and no region. */
TEST(ucx_lookup_in_handler, .seconds = 20)
{
	struct ibv_mr *mr;

	shared = start(RTLD_GLOBAL, &mr);
	ucm->on_munmap = handler;
	lookup_in_handler = &mr;
	hit(fake_page(0), FAKE_PAGE);
	CHECK(!ucs->lookup(&shared->pgtable));
	CHECK(!lookup_in_handler);
}

static uint64_t hits_done;	/* atomic: hits that are complete */

static void *threads_run(void *data)
{
	size_t nr = (size_t)data, i;
	struct fake_get get;

	for (i = 0; i < NR_ROUNDS; i++) {
		struct ibv_mr *mr = verbs->reg(fake_page(1 + nr), FAKE_PAGE);
		uint64_t done = __atomic_load_n(&hits_done, __ATOMIC_ACQUIRE);

		/* A region from a look-up: each hit that was complete before is delivered. */
		if (ucs->lookup(&shared->pgtable))
			CHECK(nr_munmaps() >= done);
		ucs->get(shared, nr, &get);
		CHECK(get.nr_munmaps >= done);
		verbs->dereg(mr);
	}
	return NULL;
}

TEST(ucx_threads)
{
	pthread_t threads[NR_THREADS];
	struct ibv_mr *mr;
	size_t i;

	shared = start(RTLD_GLOBAL, &mr);
	for (i = 0; i < NR_THREADS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, threads_run, (void *)i), 0);
	for (i = 0; i < NR_ROUNDS / 10; i++) {
		hit(fake_page(0), FAKE_PAGE);
		__atomic_add_fetch(&hits_done, 1, __ATOMIC_RELEASE);
		usleep(100);
	}
	for (i = 0; i < NR_THREADS; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK_EQ(fake.nr_watches, 1);
}

/* Without a watch, nothing tells that the range has changed: it must be registered anew. */
TEST(ucx_without_watch_never_cached)
{
	int file = stderr_replace(), i;
	char text[1000];
	struct ibv_mr *mr, *second;
	struct fake_rcache *rcache = start(RTLD_GLOBAL, &mr);

	fake.max_watches = 1;
	second = verbs->reg(fake_page(1), 2 * FAKE_PAGE);
	CHECK(second);
	for (i = 1; i < 4; i++) {
		CHECK(!ucs->lookup(&rcache->pgtable));
		CHECK_EQ(nr_munmaps(), i);
		CHECK(ucm->munmaps[i - 1].addr == fake_page(1));
		CHECK_EQ(ucm->munmaps[i - 1].length, 2 * FAKE_PAGE);
	}
	CHECK_EQ(stderr_lines(file, text, sizeof(text)), 1);
	CHECK(strstr(text, strerror(ENOSPC)));
	CHECK_EQ(verbs->dereg(second), 0);
	ucs->lookup(&rcache->pgtable);
	CHECK(ucs->lookup(&rcache->pgtable));
}

static struct ibv_mr *unwatched[2 * FAKE_MAX_MUNMAPS];

/* Deregister in the order of the registrations. */
static void deregister_one(void)
{
	static size_t nr;

	CHECK(nr < 2 * FAKE_MAX_MUNMAPS);
	CHECK_EQ(verbs->dereg(unwatched[nr++]), 0);
}

/* UCX deregisters a region in ucm_vm_munmap(): no deadlock, and each range is delivered. */
TEST(ucx_without_watch_deregistered_in_handler, .seconds = 20)
{
	struct ibv_mr *mr;
	struct fake_rcache *rcache = start(RTLD_GLOBAL, &mr);
	size_t i;

	fake.max_watches = 1;
	for (i = 0; i < 2 * FAKE_MAX_MUNMAPS; i++)
		unwatched[i] = verbs->reg(fake_page(1), FAKE_PAGE);
	ucm->on_munmap = deregister_one;
	CHECK(!ucs->lookup(&rcache->pgtable));
	CHECK(nr_munmaps() > 0 && nr_munmaps() <= 2 * FAKE_MAX_MUNMAPS);
	while (!ucs->lookup(&rcache->pgtable))
		CHECK(nr_munmaps() <= 2 * FAKE_MAX_MUNMAPS);
	CHECK_EQ(nr_munmaps(), 2 * FAKE_MAX_MUNMAPS);
}

/* UCX as without libpinwatch-ucx.so */
static void check_off(const char *libucs, const char *reason)
{
	int file = stderr_replace();
	struct fake_rcache *rcache;
	char text[1000];

	load(libucs, RTLD_GLOBAL);
	rcache = ucs->create();
	CHECK(verbs->reg(fake_page(0), FAKE_PAGE));
	CHECK(verbs->reg(fake_page(1), FAKE_PAGE));
	CHECK(ucs->create());
	CHECK(ucs->lookup(&rcache->pgtable) == &rcache->pgtable);
	CHECK_EQ(fake.nr_adds, 0);
	CHECK_EQ(stderr_lines(file, text, sizeof(text)), 1);
	CHECK(strstr(text, reason));
}

TEST(ucx_missing_function)
{
	check_off("old/libucs.so.0", "ucs_pgtable_lookup");
	CHECK_EQ(nr_opens, 0);
}

TEST(ucx_no_device)
{
	open_error = -EACCES;
	check_off("libucs.so.0", strerror(EACCES));
	CHECK_EQ(nr_opens, 1);
}

/* A program of verbs without UCX */
TEST(ucx_not_loaded)
{
	int file = stderr_replace();
	char text[100];

	verbs = fake_load("libibverbs.so.1", RTLD_GLOBAL, "fake_verbs");
	CHECK(verbs->reg(fake_page(0), FAKE_PAGE));
	CHECK_EQ(nr_opens, 0);
	CHECK_EQ(stderr_lines(file, text, sizeof(text)), 0);
}

/* The watches are those of the parent. The first registration of the child opens the device. */
TEST(ucx_fork)
{
	struct ibv_mr *mr, *own;
	struct fake_rcache *rcache = start(RTLD_GLOBAL, &mr);
	int status;
	pid_t pid;

	hit(fake_page(0), FAKE_PAGE);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		CHECK(ucs->lookup(&rcache->pgtable));
		CHECK_EQ(nr_munmaps(), 0);
		CHECK_EQ(verbs->dereg(mr), 0);
		CHECK_EQ(fake.nr_watches, 1);
		own = verbs->reg(fake_page(3), FAKE_PAGE);
		CHECK(own);
		CHECK_EQ(nr_opens, 2);
		CHECK_EQ(fake.nr_watches, 1);
		CHECK(!ucs->lookup(&rcache->pgtable));
		CHECK(ucs->lookup(&rcache->pgtable));
		hit(fake_page(3), FAKE_PAGE);
		CHECK(!ucs->lookup(&rcache->pgtable));
		CHECK_EQ(nr_munmaps(), 1);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	CHECK(!ucs->lookup(&rcache->pgtable));
	CHECK_EQ(nr_munmaps(), 1);
}

TEST(ucx_external_events)
{
	load("libucs.so.0", RTLD_GLOBAL);
	CHECK(ucs->create());
	CHECK_EQ(ucm->external_events, 0);
	CHECK_EQ(setenv("PINWATCH_UCX_EXTERNAL_EVENTS", "y", 1), 0);
	CHECK(ucs->create());
	CHECK_EQ(ucm->external_events, 1 << 17);
}
