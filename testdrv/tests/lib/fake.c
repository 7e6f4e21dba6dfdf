// SPDX-License-Identifier: MIT
/* See fake.h. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

#include "cache.h"
#include "fake.h"
#include "handle.h"
#include "test.h"

#define GENS_SIZE	(FAKE_MAX_WATCHES * sizeof(struct pinwatch_gen))

struct fake fake;
bool fake_no_membarrier;

static pthread_mutex_t fake_lock = PTHREAD_MUTEX_INITIALIZER;
static struct pinwatch_gen *gens;
static uint64_t last_generation;

struct pinwatch *fake_open(void)
{
	struct pinwatch *dev = calloc(1, sizeof(*dev));
	int fds[2];

	CHECK(dev);
	CHECK_EQ(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	gens = mmap(NULL, GENS_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(gens != MAP_FAILED);
	/* A child does not inherit the mapping of the module either. */
	CHECK_EQ(madvise(gens, GENS_SIZE, MADV_DONTFORK), 0);
	fake = (struct fake){
		.abi_major = PINWATCH_ABI_MAJOR,
		.abi_minor = PINWATCH_ABI_MINOR,
		.watch_flags = PINWATCH_WATCH_F_PIN | PINWATCH_WATCH_F_WRITE |
			       PINWATCH_WATCH_F_PAGES,
		.max_watches = FAKE_MAX_WATCHES,
		.user_watches = UINT32_MAX,
		.memlock_pages = UINT64_MAX,
		.max_pin_pages = UINT64_MAX,
		.event_fd = fds[1],
	};
	dev->fd = fds[0];
	gens[FAKE_HITS_ID] = (struct pinwatch_gen){ .generation = 1, .generation32 = 1 };
	dev->words = gens;
	dev->hits = &gens[FAKE_HITS_ID];
	dev->nr_words = FAKE_MAX_WATCHES;
	dev->map_size = GENS_SIZE;
	dev->record_size = sizeof(struct pinwatch_event);
	CHECK_EQ(pw_fork_insert(dev, dev), 0);
	return dev;
}

static uint64_t generation_bump(uint32_t id)
{
	uint64_t value = ++last_generation;

	__atomic_store_n(&gens[id].generation32, (uint32_t)value, __ATOMIC_RELEASE);
	__atomic_store_n(&gens[id].generation, value, __ATOMIC_RELEASE);
	return value;
}

/* The generation of a watch that stops being valid, and then that of the handle */
static void generation_end(uint32_t id)
{
	struct pinwatch_gen *hits = &gens[FAKE_HITS_ID];

	generation_bump(id);
	__atomic_add_fetch(&hits->generation32, 1, __ATOMIC_RELEASE);
	__atomic_add_fetch(&hits->generation, 1, __ATOMIC_RELEASE);
}

static void invalidate(const void *addr, size_t length, bool moved)
{
	uint64_t start = (uintptr_t)addr, end = start + length;
	uint32_t id;

	pthread_mutex_lock(&fake_lock);
	for (id = 0; id < FAKE_MAX_WATCHES; id++) {
		struct fake_watch *watch = &fake.watches[id];

		if (!watch->used || watch->start >= end || watch->end <= start)
			continue;
		watch->hits++;
		watch->moved |= moved;
		generation_end(id);
	}
	pthread_mutex_unlock(&fake_lock);
}

void fake_invalidate(const void *addr, size_t length)
{
	invalidate(addr, length, true);
}

void fake_disturb(const void *addr, size_t length)
{
	invalidate(addr, length, false);
}

struct fake_watch fake_watch_get(uint32_t id)
{
	struct fake_watch watch;

	pthread_mutex_lock(&fake_lock);
	watch = fake.watches[id];
	pthread_mutex_unlock(&fake_lock);
	return watch;
}

static uint64_t watch_pages(const struct fake_watch *watch)
{
	return (watch->end - watch->start) / FAKE_PAGE;
}

static int limits_check(const struct fake_watch *watch)
{
	if (fake.nr_watches >= fake.max_watches)
		return -ENOSPC;
	if (fake.nr_watches >= fake.user_watches)
		return -EDQUOT;
	if (!(watch->flags & PINWATCH_WATCH_F_PIN))
		return 0;
	if (fake.big_pages && watch_pages(watch) >= fake.big_pages)
		return fake.big_error;
	if (watch_pages(watch) > fake.max_pin_pages)
		return -EMSGSIZE;
	if (fake.pinned_pages + watch_pages(watch) > fake.memlock_pages)
		return -ENOBUFS;
	return 0;
}

static bool permitted(const struct fake_watch *watch)
{
	return !(watch->flags & PINWATCH_WATCH_F_WRITE) ||
	       watch->start >= fake.read_only_end || watch->end <= fake.read_only_start;
}

static int do_add(struct pinwatch_watch_add *arg)
{
	struct fake_watch watch = {
		.used = true,
		.start = arg->addr & ~(FAKE_PAGE - 1),
		.end = (arg->addr + arg->length + FAKE_PAGE - 1) & ~(FAKE_PAGE - 1),
		.cookie = arg->cookie,
		.flags = arg->flags,
		.ignore_events = arg->ignore_events,
	};
	int ret;

	if (arg->ignore_events & ~(PINWATCH_EVENT_ALL & ~PINWATCH_EVENT_RELEASE))
		return -EINVAL;
	fake.nr_adds++;
	if (!permitted(&watch))
		return -EFAULT;
	ret = limits_check(&watch);
	if (ret)
		return ret;
	for (arg->id = 0; arg->id == FAKE_HITS_ID || fake.watches[arg->id].used; arg->id++)
		;
	arg->generation = generation_bump(arg->id);
	arg->nr_pages = watch_pages(&watch);
	arg->touched_shift = 12;
	watch.first_generation = arg->generation;
	watch.valid_generation = arg->generation;
	fake.watches[arg->id] = watch;
	fake.nr_watches++;
	if (watch.flags & PINWATCH_WATCH_F_PIN)
		fake.pinned_pages += arg->nr_pages;
	return 0;
}

static struct fake_watch *watch_find(uint32_t id)
{
	return id < FAKE_MAX_WATCHES && fake.watches[id].used ? &fake.watches[id] : NULL;
}

static bool watch_stale(const struct fake_watch *watch, uint64_t generation)
{
	return generation && generation < watch->first_generation;
}

static int do_del(struct pinwatch_watch_del *arg)
{
	struct fake_watch *watch = watch_find(arg->id);

	if (!watch)
		return -ENOENT;
	if (watch_stale(watch, arg->generation))
		return -ESTALE;
	generation_end(arg->id);
	if (watch->flags & PINWATCH_WATCH_F_PIN)
		fake.pinned_pages -= watch_pages(watch);
	watch->used = false;
	fake.nr_watches--;
	return 0;
}

static int do_repin(struct pinwatch_watch_repin *arg)
{
	struct fake_watch *watch = watch_find(arg->id);

	if (!watch)
		return -ENOENT;
	if (watch_stale(watch, arg->generation))
		return -ESTALE;
	fake.nr_keeps += arg->flags & PINWATCH_REPIN_F_KEEP;
	if (arg->flags & PINWATCH_REPIN_F_KEEP && watch->moved)
		return -EREMCHG;
	arg->result_flags = watch->moved ? 0 : PINWATCH_REPIN_RESULT_KEPT;
	watch->moved = false;
	watch->valid_generation = generation_bump(arg->id);
	arg->generation = watch->valid_generation;
	arg->nr_pages = watch_pages(watch);
	return 0;
}

static int do_query(struct pinwatch_watch_query *arg)
{
	const struct fake_watch *watch = watch_find(arg->id);

	while (!watch && (arg->flags & PINWATCH_QUERY_F_NEXT) && arg->id < FAKE_MAX_WATCHES)
		watch = watch_find(++arg->id);
	if (!watch)
		return -ENOENT;
	arg->state = PINWATCH_STATE_ACTIVE;
	arg->addr = watch->start;
	arg->length = watch->end - watch->start;
	arg->cookie = watch->cookie;
	arg->hits = watch->hits;
	arg->generation = gens[arg->id].generation;
	arg->valid_generation = watch->valid_generation;
	return 0;
}

static int do_verify(struct pinwatch_watch_verify *arg)
{
	if (!watch_find(arg->id))
		return -ENOENT;
	if (arg->verdicts)
		memset((void *)(uintptr_t)arg->verdicts, PINWATCH_VERDICT_GONE, arg->nr_pages);
	arg->verdict = PINWATCH_VERDICT_GONE;
	arg->nr[PINWATCH_VERDICT_GONE] = arg->nr_pages;
	return 0;
}

static int do_stack(struct pinwatch_watch_stack *arg)
{
	if (!watch_find(arg->id))
		return -ENOENT;
	arg->nr_entries = 1;
	arg->entries[0] = 42;
	return 0;
}

static int do_resync(struct pinwatch_resync *arg)
{
	if (!arg->nr_ids || arg->first_id >= FAKE_MAX_WATCHES)
		return -EINVAL;
	if (arg->nr_ids > FAKE_MAX_WATCHES - arg->first_id)
		arg->nr_ids = FAKE_MAX_WATCHES - arg->first_id;
	memcpy((void *)(uintptr_t)arg->gens, gens + arg->first_id, arg->nr_ids * sizeof(*gens));
	return 0;
}

static int do_info(struct pinwatch_info *arg)
{
	arg->abi_major = fake.abi_major;
	arg->abi_minor = fake.abi_minor;
	arg->watch_flags = fake.watch_flags;
	arg->event_size = sizeof(struct pinwatch_event);
	arg->gen_map_size = GENS_SIZE;
	arg->hits_offset = FAKE_HITS_ID * sizeof(struct pinwatch_gen);
	arg->max_pin_pages = fake.max_pin_pages;
	return 0;
}

static int dispatch(unsigned long cmd, void *arg)
{
	switch (cmd) {
	case PINWATCH_IOC_GET_INFO:
		return do_info(arg);
	case PINWATCH_IOC_WATCH_ADD:
		return do_add(arg);
	case PINWATCH_IOC_WATCH_DEL:
		return do_del(arg);
	case PINWATCH_IOC_WATCH_REPIN:
		return do_repin(arg);
	case PINWATCH_IOC_WATCH_QUERY:
		return do_query(arg);
	case PINWATCH_IOC_WATCH_VERIFY:
		return do_verify(arg);
	case PINWATCH_IOC_WATCH_STACK:
		return do_stack(arg);
	case PINWATCH_IOC_RESYNC:
		return do_resync(arg);
	case PINWATCH_IOC_ATTACH:
	case PINWATCH_IOC_GET_STATS:
	case PINWATCH_IOC_BIND:
		return 0;
	}
	return -ENOTTY;
}

/* The size in the structure is the size in the number of the ioctl. */
static void head_check(unsigned long cmd, const void *arg)
{
	uint32_t size;

	memcpy(&size, arg, sizeof(size));
	CHECK_EQ(size, _IOC_SIZE(cmd));
}

static void last_store(unsigned long cmd, const void *arg)
{
	fake.last_cmd = cmd;
	if (cmd == PINWATCH_IOC_WATCH_ADD)
		memcpy(&fake.last.add, arg, sizeof(fake.last.add));
	if (cmd == PINWATCH_IOC_WATCH_VERIFY)
		memcpy(&fake.last.verify, arg, sizeof(fake.last.verify));
	if (cmd == PINWATCH_IOC_ATTACH)
		memcpy(&fake.last.attach, arg, sizeof(fake.last.attach));
}

int pw_handle_ioctl(const struct pinwatch *dev, unsigned long cmd, void *arg)
{
	int ret;

	CHECK(!dev->words || dev->words == gens);
	head_check(cmd, arg);
	if (cmd == PINWATCH_IOC_WATCH_ADD && fake.on_add)
		fake.on_add();
	if (cmd == PINWATCH_IOC_WATCH_DEL && fake.on_del)
		fake.on_del();
	if (cmd == PINWATCH_IOC_WATCH_REPIN && fake.on_keep)
		fake.on_keep();
	if (cmd == PINWATCH_IOC_ATTACH && fake.on_attach)
		fake.on_attach();
	pthread_mutex_lock(&fake_lock);
	last_store(cmd, arg);
	ret = fake.fail ? fake.fail : dispatch(cmd, arg);
	pthread_mutex_unlock(&fake_lock);
	return ret;
}

int pw_membarrier(int cmd)
{
	if (fake_no_membarrier)
		return -ENOSYS;
	return syscall(SYS_membarrier, cmd, 0, 0) < 0 ? -errno : 0;
}

void fake_close(struct pinwatch *dev)
{
	pinwatch_close(dev);
	CHECK_EQ(fake.nr_watches, 0);
	CHECK_EQ(fake.pinned_pages, 0);
	close(fake.event_fd);
#ifdef __SANITIZE_ADDRESS__
	CHECK_EQ(__lsan_do_recoverable_leak_check(), 0);
#endif
}
