// SPDX-License-Identifier: MIT
/* The functions of the library on the fake device: their ioctls, and their results. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake.h"
#include "handle.h"
#include "test.h"

static struct pinwatch_watch add(struct pinwatch *dev, size_t nr_pages)
{
	struct pinwatch_watch watch;

	CHECK_EQ(pinwatch_watch_add(dev, fake_page(0), nr_pages * FAKE_PAGE, 0, 7, &watch), 0);
	return watch;
}

static void end(struct pinwatch *dev)
{
	uint32_t id;

	for (id = 0; fake.nr_watches; id++)
		pinwatch_watch_del(dev, &(struct pinwatch_watch){ .id = id });
	fake_close(dev);
}

TEST(add)
{
	struct pinwatch *dev = fake_open();
	struct pinwatch_watch watch;

	CHECK_EQ(pinwatch_watch_add(dev, fake_page(0) + 1, FAKE_PAGE, PINWATCH_WATCH_F_PIN, 99,
				    &watch), 0);
	CHECK_EQ(fake.last.add.addr, (uintptr_t)fake_page(0) + 1);
	CHECK_EQ(fake.last.add.length, FAKE_PAGE);
	CHECK_EQ(fake.last.add.flags, PINWATCH_WATCH_F_PIN);
	CHECK_EQ(fake.last.add.cookie, 99);
	CHECK_EQ(fake.last.add.ignore_events, 0);
	CHECK_EQ(watch.nr_pages, 2);
	CHECK_EQ(watch.id, 0);
	CHECK_EQ(watch.touched_shift, 12);
	CHECK(pinwatch_valid(&watch));
	fake_invalidate(fake_page(0), 1);
	CHECK(!pinwatch_valid(&watch));
	end(dev);
}

TEST(add_attr)
{
	struct pinwatch_watch_attr attr = {
		.size = sizeof(attr), .flags = PINWATCH_WATCH_F_ONESHOT, .addr = 0x7f0000000000,
		.length = 3 * FAKE_PAGE, .cookie = 5, .ignore_events = PINWATCH_EVENT_CLEAR,
	};
	struct pinwatch *dev = fake_open();
	struct pinwatch_watch watch;

	CHECK_EQ(pinwatch_watch_add_attr(dev, &attr, &watch), 0);
	CHECK_EQ(fake.last.add.flags, PINWATCH_WATCH_F_ONESHOT);
	CHECK_EQ(fake.last.add.addr, 0x7f0000000000);
	CHECK_EQ(fake.last.add.length, 3 * FAKE_PAGE);
	CHECK_EQ(fake.last.add.cookie, 5);
	CHECK_EQ(fake.last.add.ignore_events, PINWATCH_EVENT_CLEAR);
	end(dev);
}

/* A caller of another version. */
TEST(add_attr_of_another_version)
{
	struct {
		struct pinwatch_watch_attr attr;
		uint64_t more;
	} newer = { .attr = { .size = sizeof(newer), .length = 1 } };
	struct pinwatch *dev = fake_open();
	struct pinwatch_watch watch = { .id = 77 };

	CHECK_EQ(pinwatch_watch_add_attr(dev, &newer.attr, &watch), 0);
	newer.more = 1;
	CHECK_EQ(pinwatch_watch_add_attr(dev, &newer.attr, &watch), -E2BIG);
	newer.attr.size = sizeof(newer.attr) - 1;
	CHECK_EQ(pinwatch_watch_add_attr(dev, &newer.attr, &watch), -EINVAL);
	newer.attr.size = sizeof(newer.attr);
	newer.attr.reserved = 1;
	CHECK_EQ(pinwatch_watch_add_attr(dev, &newer.attr, &watch), -EINVAL);
	CHECK_EQ(fake.nr_adds, 1);
	end(dev);
}

TEST(failure_leaves_the_watch)
{
	struct pinwatch *dev = fake_open();
	struct pinwatch_watch watch = { .id = 77, .generation = 78 };

	fake.fail = -EFAULT;
	CHECK_EQ(pinwatch_watch_add(dev, fake_page(0), 1, 0, 0, &watch), -EFAULT);
	CHECK_EQ(pinwatch_watch_repin(dev, &watch), -EFAULT);
	CHECK_EQ(watch.id, 77);
	CHECK_EQ(watch.generation, 78);
	end(dev);
}

TEST(repin)
{
	struct pinwatch *dev = fake_open();
	struct pinwatch_watch watch = add(dev, 1), before;

	fake_invalidate(fake_page(0), 1);
	before = watch;
	CHECK_EQ(pinwatch_watch_repin(dev, &watch), 0);
	CHECK(pinwatch_valid(&watch));
	CHECK(!pinwatch_valid(&before));
	CHECK_EQ(watch.id, before.id);
	CHECK_EQ(watch.nr_pages, before.nr_pages);
	end(dev);
}

/* The fake device gives out the lowest free id. */
TEST(stale_watch_is_refused)
{
	struct pinwatch *dev = fake_open();
	struct pinwatch_watch first = add(dev, 1), second, copy;

	CHECK_EQ(pinwatch_watch_del(dev, &first), 0);
	CHECK_EQ(pinwatch_watch_del(dev, &first), -ENOENT);
	second = add(dev, 2);
	CHECK_EQ(second.id, first.id);
	copy = second;
	fake_invalidate(fake_page(0), 1);
	CHECK_EQ(pinwatch_watch_repin(dev, &second), 0);
	CHECK_EQ(pinwatch_watch_del(dev, &first), -ESTALE);
	CHECK_EQ(pinwatch_watch_repin(dev, &first), -ESTALE);
	CHECK(pinwatch_valid(&second));
	CHECK_EQ(pinwatch_watch_del(dev, &copy), 0);
	end(dev);
}

TEST(query_and_next)
{
	struct pinwatch *dev = fake_open();
	struct pinwatch_watch_query figures;
	struct pinwatch_watch watch;
	uint32_t next = 0;

	watch = add(dev, 1);
	add(dev, 2);
	add(dev, 3);
	CHECK_EQ(pinwatch_watch_query(dev, 2, &figures), 0);
	CHECK_EQ(figures.length, 3 * FAKE_PAGE);
	CHECK_EQ(figures.cookie, 7);
	CHECK_EQ(pinwatch_watch_query(dev, 3, &figures), -ENOENT);
	CHECK_EQ(pinwatch_watch_del(dev, &watch), 0);

	CHECK_EQ(pinwatch_watch_query_next(dev, &next, &figures), 1);
	CHECK_EQ(figures.id, 1);
	CHECK_EQ(pinwatch_watch_query_next(dev, &next, &figures), 1);
	CHECK_EQ(figures.id, 2);
	CHECK_EQ(pinwatch_watch_query_next(dev, &next, &figures), 0);
	CHECK_EQ(next, 3);
	fake.fail = -EFAULT;
	CHECK_EQ(pinwatch_watch_query_next(dev, &next, &figures), -EFAULT);
	fake.fail = 0;
	end(dev);
}

TEST(verify)
{
	struct pinwatch *dev = fake_open();
	struct pinwatch_watch_verify result;
	uint8_t verdicts[3] = { 0 };

	add(dev, 4);
	CHECK_EQ(pinwatch_watch_verify(dev, 0, 1, 2, verdicts, &result), 0);
	CHECK_EQ(fake.last.verify.first_page, 1);
	CHECK_EQ(fake.last.verify.nr_pages, 2);
	CHECK_EQ(result.verdict, PINWATCH_VERDICT_GONE);
	CHECK_EQ(verdicts[1], PINWATCH_VERDICT_GONE);
	CHECK_EQ(verdicts[2], 0);
	CHECK_EQ(pinwatch_watch_verify(dev, 0, 0, 4, NULL, &result), 0);
	CHECK_EQ(fake.last.verify.verdicts, 0);
	CHECK_EQ(pinwatch_watch_verify(dev, 1, 0, 0, NULL, &result), -ENOENT);
	end(dev);
}

TEST(stack_and_resync)
{
	struct pinwatch *dev = fake_open();
	struct pinwatch_watch watch = add(dev, 1);
	struct pinwatch_watch_stack stack;
	struct pinwatch_gen gens[4];

	CHECK_EQ(pinwatch_watch_stack(dev, 0, &stack), 0);
	CHECK_EQ(stack.entries[0], 42);
	CHECK_EQ(pinwatch_resync(dev, 0, gens, 4), 4);
	CHECK_EQ(gens[0].generation, watch.generation);
	CHECK_EQ(gens[1].generation, 0);
	CHECK_EQ(pinwatch_resync(dev, FAKE_MAX_WATCHES - 1, gens, 4), 1);
	CHECK_EQ(pinwatch_resync(dev, FAKE_MAX_WATCHES, gens, 4), -EINVAL);
	end(dev);
}

/* The word of the handle changes when a watch is invalidated or deleted. */
TEST(hits)
{
	struct pinwatch *dev = fake_open();
	struct pinwatch_watch first = add(dev, 1), second;
	uint64_t hits = pinwatch_hits(dev);

	CHECK(hits != 0);
	second = add(dev, 2);
	CHECK_EQ(pinwatch_watch_repin(dev, &first), 0);
	fake_invalidate(fake_page(2), 1);
	CHECK_EQ(pinwatch_hits(dev), hits);
	CHECK(pinwatch_valid(&first) && pinwatch_valid(&second));
	fake_invalidate(fake_page(1), 1);
	CHECK(pinwatch_hits(dev) != hits);
	CHECK(pinwatch_valid(&first) && !pinwatch_valid(&second));
	hits = pinwatch_hits(dev);
	CHECK_EQ(pinwatch_watch_del(dev, &first), 0);
	CHECK(pinwatch_hits(dev) != hits);
	end(dev);
}

/* No watch has the id of the word of the handle. */
TEST(hits_id)
{
	struct pinwatch *dev = fake_open();
	const struct pinwatch_gen *words = pinwatch_map_generations(dev, NULL);
	struct pinwatch_info info;
	uint32_t i;

	CHECK_EQ(pinwatch_get_info(dev, &info), 0);
	CHECK_EQ(words[info.hits_offset / sizeof(*words)].generation, pinwatch_hits(dev));
	for (i = 0; i < 2 * FAKE_HITS_ID; i++)
		CHECK(add(dev, 1).id != info.hits_offset / sizeof(*words));
	for (i = 0; fake.nr_watches; i++)
		pinwatch_watch_del(dev, &(struct pinwatch_watch){ .id = i });
	fake_close(dev);
}

TEST(read_events)
{
	struct pinwatch_event event = { .id = 3, .count = 1 }, events[2];
	struct pinwatch *dev = fake_open();

	CHECK_EQ(pinwatch_read_events(dev, events, 2), -EAGAIN);
	CHECK_EQ(write(fake.event_fd, &event, sizeof(event)), sizeof(event));
	CHECK_EQ(pinwatch_read_events(dev, events, 2), 1);
	CHECK_EQ(events[0].id, 3);
	end(dev);
}

#define GROWTH	24U

TEST(read_longer_records)
{
	struct {
		struct pinwatch_event event;
		char more[GROWTH];
	} records[3] = { { .event.id = 1 }, { .event.id = 2 }, { .event.id = 3 } };
	struct pinwatch_event events[4] = { { 0 } };
	struct pinwatch *dev = fake_open();

	dev->record_size = sizeof(records[0]);
	memset(records[0].more, 0xff, GROWTH);
	CHECK_EQ(write(fake.event_fd, records, sizeof(records)), sizeof(records));
	CHECK_EQ(pinwatch_read_events(dev, events, 2), 2);
	CHECK_EQ(events[0].id, 1);
	CHECK_EQ(events[1].id, 2);
	CHECK_EQ(events[1].size, sizeof(events[1]));
	CHECK_EQ(events[2].size, 0);
	CHECK_EQ(pinwatch_read_events(dev, events, 2), 1);
	CHECK_EQ(events[0].id, 3);
	end(dev);
}

/* The fake device cannot be mapped: a version that passes fails later, with ENODEV. */
TEST(abi_versions)
{
	static const struct {
		uint32_t major, minor;
		int ret;
	} versions[] = {
		{ 0, 9, -EPROTO }, { 1, 0, -ENODEV }, { 1, 9, -ENODEV }, { 2, 0, -EPROTO },
	};
	struct pinwatch *dev = fake_open(), *other;
	size_t i;

	for (i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		fake.abi_major = versions[i].major;
		fake.abi_minor = versions[i].minor;
		CHECK_EQ(pinwatch_from_fd(&other, dev->fd), versions[i].ret);
	}
	end(dev);
}

static pid_t child;

static void child_start(void)
{
	child = fork();
	CHECK(child >= 0);
	if (!child) {
		pause();
		_exit(0);
	}
}

static void child_end(void)
{
	CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK_EQ(waitpid(child, NULL, 0), child);
}

TEST(attach)
{
	struct pinwatch *dev = fake_open();
	int pidfd;

	child_start();
	CHECK_EQ(pinwatch_attach_pid(dev, child), 0);
	CHECK_EQ(fake.last_cmd, PINWATCH_IOC_ATTACH);
	CHECK_EQ(fake.last.attach.pid, child);
	pidfd = (int)syscall(SYS_pidfd_open, child, 0);
	CHECK(pidfd >= 0);
	fake.last_cmd = 0;
	CHECK_EQ(pinwatch_attach(dev, pidfd), 0);
	CHECK_EQ(fake.last.attach.pid, child);
	fake.fail = -EPERM;
	CHECK_EQ(pinwatch_attach(dev, pidfd), -EPERM);
	fake.fail = 0;
	add(dev, 1);
	child_end();

	fake.last_cmd = 0;
	CHECK_EQ(pinwatch_attach(dev, pidfd), -ESRCH);
	CHECK_EQ(pinwatch_attach(dev, dup(1)), -EINVAL);
	CHECK_EQ(pinwatch_attach(dev, 999), -EBADF);
	CHECK_EQ(pinwatch_attach_pid(dev, child), -ESRCH);
	CHECK_EQ(fake.last_cmd, 0);
	end(dev);
}

TEST(bind)
{
	struct pinwatch *dev = fake_open();

	CHECK_EQ(pinwatch_bind(dev), 0);
	CHECK_EQ(fake.last_cmd, PINWATCH_IOC_BIND);
	fake.fail = -EBUSY;
	CHECK_EQ(pinwatch_bind(dev), -EBUSY);
	fake.fail = 0;
	end(dev);
}

/* The process ends, and is reaped, while the kernel looks up the PID. */
TEST(attach_to_reused_pid)
{
	struct pinwatch *dev = fake_open();
	struct pinwatch_watch watch;

	child_start();
	fake.on_attach = child_end;
	CHECK_EQ(pinwatch_attach_pid(dev, child), -ESRCH);
	CHECK_EQ(fake.last_cmd, PINWATCH_IOC_ATTACH);
	CHECK_EQ(pinwatch_watch_add(dev, fake_page(0), 1, 0, 0, &watch), -ESRCH);
	CHECK_EQ(fake.nr_adds, 0);
	end(dev);
}

/* A child inherits no mapping of the generations: pinwatch_close() must unmap nothing. */
TEST(close_in_a_child)
{
	struct pinwatch *dev = fake_open();
	size_t nr_words, length;
	void *words = (void *)pinwatch_map_generations(dev, &nr_words);
	pid_t pid;
	int status;

	length = nr_words * sizeof(struct pinwatch_gen);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		memset(mmap(words, length, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), 1, length);
		pinwatch_close(dev);
		_exit(((volatile char *)words)[length - 1] != 1);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	end(dev);
}

TEST(names)
{
	char buf[512], small[8];
	uint64_t bit, seen = 0;
	uint32_t i;

	for (bit = 1; bit; bit <<= 1)
		if (strcmp(pinwatch_causes_string(bit, buf, sizeof(buf)), "?") != 0)
			seen |= bit;
	CHECK_EQ(seen, (1ULL << PINWATCH_NR_CAUSES) - 1);
	for (bit = 1, seen = 0; bit <= UINT32_MAX; bit <<= 1)
		if (strcmp(pinwatch_events_string((uint32_t)bit, buf, sizeof(buf)), "?") != 0)
			seen |= bit;
	CHECK_EQ(seen, PINWATCH_EVENT_ALL);
	CHECK_EQ(strcmp(pinwatch_causes_string(PINWATCH_CAUSE_COW | PINWATCH_CAUSE_FORK, buf,
					       sizeof(buf)), "fork+cow"), 0);
	CHECK_EQ(strcmp(pinwatch_causes_string(0, buf, sizeof(buf)), "-"), 0);
	CHECK_EQ(strcmp(pinwatch_causes_string(PINWATCH_CAUSE_MUNMAP | PINWATCH_CAUSE_MMAP, small,
					       sizeof(small)), "munmap+"), 0);
	CHECK_EQ(strcmp(pinwatch_causes_string(UINT64_MAX, small, 1), ""), 0);
	/* The documented sizes suffice. */
	CHECK(strlen(pinwatch_causes_string(UINT64_MAX, buf, sizeof(buf))) < 256);
	CHECK(strlen(pinwatch_events_string(UINT32_MAX, buf, sizeof(buf))) < 96);
	for (i = 0; i < PINWATCH_NR_VERDICTS; i++)
		CHECK(strcmp(pinwatch_verdict_string(i), "?") != 0);
	CHECK_EQ(strcmp(pinwatch_verdict_string(i), "?"), 0);
}
