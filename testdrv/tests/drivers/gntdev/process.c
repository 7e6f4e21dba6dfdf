// SPDX-License-Identifier: MIT
/*
 * gntdev: a process forks, dies or executes another program while a thread writes to the
 * mapping. Another process has the descriptor of the device, so the mapping ends with the
 * memory alone.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel.h"
#include "child.h"
#include "engine.h"
#include "grant.h"
#include "table.h"
#include "test.h"

#define NR_FORKS	8
#define WAIT_NS		(10 * NS_PER_S)

/**
 * struct writer - a thread that writes rising values to every page of a mapping
 * @stop: Atomic; ends the thread.
 */
struct writer {
	volatile uint64_t *pages;
	bool stop;
	pthread_t thread;
};

static void *writer_thread(void *arg)
{
	struct writer *writer = arg;
	uint64_t value;

	for (value = 1; !__atomic_load_n(&writer->stop, __ATOMIC_RELAXED); value++)
		*page_word(writer->pages, value % NR_GRANTS) = value;
	return NULL;
}

static void writer_start(struct writer *writer, const struct mapping *mapping)
{
	*writer = (struct writer) { .pages = mapping->pages };
	CHECK(!pthread_create(&writer->thread, NULL, writer_thread, writer));
}

static void writer_stop(struct writer *writer)
{
	__atomic_store_n(&writer->stop, true, __ATOMIC_RELAXED);
	CHECK(!pthread_join(writer->thread, NULL));
}

/* The granting side sees a new value in each page. */
static void grants_change(const struct grants *grants)
{
	uint64_t value, end = now_ns() + WAIT_NS;
	unsigned int i;

	for (i = 0; i < NR_GRANTS; i++) {
		value = *page_word(grants->pages, i);
		while (*page_word(grants->pages, i) == value)
			CHECK(now_ns() < end);
	}
}

/* The child process inherits no mapping, and its end changes nothing. */
static void child_run(const struct mapping *mapping)
{
	pid_t pid = fork();
	int status;

	CHECK(pid >= 0);
	if (!pid)
		_exit((int)mapping_readable(mapping));
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

TEST(gntdev_fork_amid_writes)
{
	struct mapping mapping;
	struct writer writer;
	struct grants grants;
	int i;

	grants_open(&grants);
	mapping_open(&mapping, &grants);
	mapping_map(&mapping, PROT_READ | PROT_WRITE);
	writer_start(&writer, &mapping);
	for (i = 0; i < NR_FORKS; i++) {
		child_run(&mapping);
		grants_change(&grants);
	}
	CHECK(engine_has_subscriptions(1));
	CHECK_EQ(table_mapped(grants.refs, NR_GRANTS), ALL_PAGES);
	writer_stop(&writer);
}

/**
 * struct victim - a child process that maps the grants through the device of its parent
 */
struct victim {
	struct grants grants;
	struct mapping mapping;
	pid_t pid;
	int channel;
};

static void victim_main(struct victim *victim, int prot)
{
	struct writer writer;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	mapping_map(&victim->mapping, prot);
	CHECK_EQ(mapping_readable(&victim->mapping), ALL_PAGES);
	if (prot & PROT_WRITE)
		writer_start(&writer, &victim->mapping);
	CHECK_EQ(channel_send(victim->channel, -1), 0);
	CHECK_EQ(channel_receive(victim->channel, NULL), 0);
	/* The channel closes on exec, which tells the parent. */
	execl("/proc/self/exe", "gntdev", "--pause", NULL);
	_exit(1);
}

static void victim_start(struct victim *victim, int prot)
{
	int ends[2];

	grants_open(&victim->grants);
	mapping_open(&victim->mapping, &victim->grants);
	CHECK_EQ(channel_open(ends), 0);
	victim->pid = fork();
	CHECK(victim->pid >= 0);
	victim->channel = ends[!victim->pid];
	close(ends[!!victim->pid]);
	if (!victim->pid)
		victim_main(victim, prot);
	CHECK_EQ(channel_receive(victim->channel, NULL), 0);
	CHECK(engine_has_subscriptions(1));
	CHECK_EQ(table_mapped(victim->grants.refs, NR_GRANTS), ALL_PAGES);
}

/* The mapping is gone. The subscription stays until the device loses the references. */
static void victim_is_unmapped(const struct victim *victim)
{
	CHECK_EQ(table_mapped(victim->grants.refs, NR_GRANTS), 0);
	CHECK(engine_has_subscriptions(1));
}

static void victim_end(const struct victim *victim)
{
	mapping_close(&victim->mapping);
	CHECK(engine_has_subscriptions(0));
}

TEST(gntdev_kill_amid_writes)
{
	struct victim victim;
	uint64_t callbacks;

	victim_start(&victim, PROT_READ | PROT_WRITE);
	grants_change(&victim.grants);
	callbacks = engine_callbacks();
	child_kill(victim.pid);
	engine_called_since(callbacks);
	victim_is_unmapped(&victim);
	victim_end(&victim);
}

TEST(gntdev_exec_amid_writes)
{
	struct victim victim;
	uint64_t callbacks;

	victim_start(&victim, PROT_READ | PROT_WRITE);
	grants_change(&victim.grants);
	callbacks = engine_callbacks();
	CHECK_EQ(channel_send(victim.channel, -1), 0);
	CHECK_EQ(channel_receive(victim.channel, NULL), -EPIPE);
	engine_called_since(callbacks);
	victim_is_unmapped(&victim);
	child_kill(victim.pid);
	victim_end(&victim);
}

/*
 * The memory stays until the process exits. process_mrelease(2) skips shared mappings, so
 * this one is private and read only.
 */
TEST(gntdev_mrelease)
{
	struct victim victim;

	victim_start(&victim, PROT_READ);
	engine_hold(victim.pid);
	engine_refuses_mrelease(victim.pid);
	CHECK_EQ(table_mapped(victim.grants.refs, NR_GRANTS), ALL_PAGES);
	engine_release(victim.pid);
	victim_is_unmapped(&victim);
	victim_end(&victim);
}
