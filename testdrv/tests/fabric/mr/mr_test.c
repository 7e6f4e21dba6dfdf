// SPDX-License-Identifier: MIT
/* The preload of pinwatch mr, on a fake device and a fake libibverbs. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake.h"
#include "fake_verbs.h"
#include "mr.h"
#include "test.h"

#define NR_THREADS	4
#define NR_ROUNDS	300

static struct mr_table *table;
static bool usable;
static int open_error;
static unsigned int nr_opens;
/* Of each watch that was hit */
static uint64_t causes;

static struct ibv_context *context;
static struct ibv_pd pd;
static struct ibv_qp qp;
static struct ibv_srq srq;

/* In place of fabric/mr_session.c */
int mr_session_open(struct mr_session *session)
{
	nr_opens++;
	if (open_error)
		return open_error;
	free(table);
	table = calloc(1, sizeof(*table));
	CHECK(table);
	session->table = table;
	session->dev = fake_open();
	usable = true;
	return 0;
}

bool mr_session_usable(const struct mr_session *session)
{
	(void)session;
	return usable;
}

typeof(pinwatch_watch_query_sized) __real_pinwatch_watch_query_sized;
typeof(pinwatch_watch_query_sized) __wrap_pinwatch_watch_query_sized;

/* The fake device knows no causes. */
int __wrap_pinwatch_watch_query_sized(struct pinwatch *dev, uint32_t id,
				      struct pinwatch_watch_query *figures, size_t size)
{
	int ret = __real_pinwatch_watch_query_sized(dev, id, figures, size);

	if (!ret && figures->hits)
		figures->causes = causes;
	return ret;
}

static void begin(void)
{
	context = ibv_open_device(NULL);
	CHECK(context);
	pd.context = context;
	qp.context = context;
	srq.context = context;
	causes = PINWATCH_CAUSE_MUNMAP;
}

static struct ibv_mr *reg(size_t page, size_t nr_pages)
{
	return ibv_reg_mr(&pd, fake_page(page), nr_pages * FAKE_PAGE, IBV_ACCESS_LOCAL_WRITE);
}

static const struct mr_slot *slot_of(const struct ibv_mr *mr)
{
	size_t i;

	for (i = 0; i < MR_NR_SLOTS; i++)
		if (table->slots[i].state != MR_FREE && table->slots[i].lkey == mr->lkey)
			return &table->slots[i];
	FAIL("no slot has lkey %u", mr->lkey);
}

static void send_flags(const struct ibv_mr *mr, unsigned int flags, enum ibv_wr_opcode opcode)
{
	struct ibv_sge sge = { .lkey = mr->lkey, .length = 1 };
	struct ibv_send_wr *bad, wr = { .sg_list = &sge, .num_sge = 1, .send_flags = flags,
					.opcode = opcode };

	CHECK_EQ(ibv_post_send(&qp, &wr, &bad), 0);
}

static void send(const struct ibv_mr *mr)
{
	send_flags(mr, 0, IBV_WR_SEND);
}

TEST(registration_is_watched_until_deregistration)
{
	struct ibv_mr *mr;

	begin();
	mr = reg(1, 2);
	CHECK_EQ(fake.nr_adds, 1);
	CHECK_EQ(fake.nr_watches, 1);
	CHECK_EQ(fake.last.add.addr, (uintptr_t)fake_page(1));
	CHECK_EQ(fake.last.add.length, 2 * FAKE_PAGE);
	CHECK_EQ(fake.last.add.flags, PINWATCH_WATCH_F_PAGES);
	CHECK_EQ(slot_of(mr)->state, MR_REGISTERED);
	CHECK(strstr(slot_of(mr)->registered_at, "+0x"));
	CHECK_EQ(table->nr_registrations, 1);
	CHECK_EQ(ibv_dereg_mr(mr), 0);
	CHECK_EQ(fake.nr_watches, 0);
	CHECK_EQ(table->slots[0].state, MR_FREE);
}

/* The macro of ibv_reg_mr() calls one of two functions, depending on @access. */
TEST(each_registering_function_is_watched_once)
{
	struct ibv_mr *mrs[4];
	int access = IBV_ACCESS_LOCAL_WRITE;
	size_t i;

	begin();
	mrs[0] = ibv_reg_mr(&pd, fake_page(0), FAKE_PAGE, access | IBV_ACCESS_RELAXED_ORDERING);
	__asm__ volatile("" : "+r"(access));
	mrs[1] = ibv_reg_mr(&pd, fake_page(1), FAKE_PAGE, access);
	mrs[2] = ibv_reg_mr_iova(&pd, fake_page(2), FAKE_PAGE, 0, IBV_ACCESS_LOCAL_WRITE);
	mrs[3] = ibv_reg_mr_iova2(&pd, fake_page(3), FAKE_PAGE, 0, 0);
	CHECK_EQ(fake.nr_adds, 4);
	for (i = 0; i < 4; i++)
		CHECK_EQ(ibv_dereg_mr(mrs[i]), 0);
	CHECK_EQ(fake.nr_watches, 0);
}

TEST(failed_registration_leaves_no_watch)
{
	begin();
	fake_verbs.error = EPERM;
	errno = 0;
	CHECK(!reg(1, 1));
	CHECK_EQ(errno, EPERM);
	CHECK_EQ(fake.nr_adds, 1);
	CHECK_EQ(fake.nr_watches, 0);
	CHECK_EQ(table->slots[0].state, MR_FREE);
}

TEST(failed_watch_does_not_fail_the_registration)
{
	struct ibv_mr *mr;

	begin();
	CHECK_EQ(ibv_dereg_mr(reg(0, 1)), 0);
	fake.max_watches = 0;
	errno = 0;
	mr = reg(1, 1);
	CHECK(mr);
	CHECK_EQ(errno, 0);
	CHECK_EQ(table->nr_unwatched, 1);
	CHECK_EQ(table->nr_registrations, 2);
	CHECK_EQ(table->error, ENOSPC);
	CHECK_EQ(ibv_dereg_mr(mr), 0);
}

TEST(unreachable_tool_does_not_fail_the_registration)
{
	begin();
	open_error = -ECONNREFUSED;
	CHECK_EQ(ibv_dereg_mr(reg(0, 1)), 0);
	CHECK_EQ(ibv_dereg_mr(reg(0, 1)), 0);
	CHECK_EQ(nr_opens, 1);
}

TEST(on_demand_registration_has_no_watch)
{
	struct ibv_mr *mr;

	begin();
	mr = ibv_reg_mr(&pd, NULL, SIZE_MAX, IBV_ACCESS_ON_DEMAND);
	CHECK(mr);
	CHECK_EQ(nr_opens, 0);
	CHECK_EQ(ibv_dereg_mr(mr), 0);
}

TEST(use_after_exchange_is_counted)
{
	struct ibv_mr *mr, *other;

	begin();
	other = reg(10, 1);
	mr = reg(1, 2);
	send(mr);
	CHECK_EQ(slot_of(mr)->nr_uses, 0);
	fake_invalidate(fake_page(2), FAKE_PAGE);
	send(other);
	CHECK_EQ(slot_of(mr)->nr_uses, 0);
	CHECK_EQ(slot_of(mr)->used_ns, 0);
	send(mr);
	send(mr);
	CHECK_EQ(slot_of(mr)->nr_uses, 2);
	CHECK(slot_of(mr)->used_ns);
	CHECK(strstr(slot_of(mr)->used_at, "+0x"));
	CHECK_EQ(slot_of(other)->nr_uses, 0);
	CHECK_EQ(fake_verbs.nr_posts, 4);
}

TEST(receive_requests_are_uses)
{
	struct ibv_sge sge = { .length = 1 };
	struct ibv_recv_wr *bad, second = { .sg_list = &sge, .num_sge = 1 };
	struct ibv_recv_wr wr = { .next = &second, .sg_list = &sge, .num_sge = 1 };
	struct ibv_mr *mr;

	begin();
	mr = reg(1, 2);
	sge.lkey = mr->lkey;
	fake_invalidate(fake_page(1), FAKE_PAGE);
	CHECK_EQ(ibv_post_recv(&qp, &wr, &bad), 0);
	CHECK_EQ(ibv_post_srq_recv(&srq, &wr, &bad), 0);
	CHECK_EQ(slot_of(mr)->nr_uses, 4);
	CHECK_EQ(fake_verbs.nr_posts, 4);
}

/* The library copies inline data through the mapping of the process. */
TEST(inline_data_is_no_use)
{
	struct ibv_mr *mr;

	begin();
	mr = reg(1, 1);
	fake_invalidate(fake_page(1), FAKE_PAGE);
	send_flags(mr, IBV_SEND_INLINE, IBV_WR_SEND);
	send_flags(mr, 0, IBV_WR_LOCAL_INV);
	CHECK_EQ(slot_of(mr)->nr_uses, 0);
	send_flags(mr, 0, IBV_WR_RDMA_WRITE);
	CHECK_EQ(slot_of(mr)->nr_uses, 1);
}

/* The tool reads the event, which WATCH_DEL would discard. */
TEST(exchanged_registration_keeps_watch_and_slot)
{
	const struct mr_slot *slot;
	struct ibv_mr *mr;

	begin();
	mr = reg(1, 1);
	slot = slot_of(mr);
	fake_invalidate(fake_page(1), FAKE_PAGE);
	CHECK_EQ(ibv_dereg_mr(mr), 0);
	CHECK_EQ(slot->state, MR_ENDED);
	CHECK(slot->ended_ns);
	CHECK_EQ(fake.nr_watches, 1);
	mr = reg(1, 1);
	CHECK(slot_of(mr) != slot);
	send(mr);
	CHECK_EQ(slot_of(mr)->nr_uses, 0);
}

/* The kernel invalidates before it refuses to migrate a pinned page. */
TEST(harmless_causes_are_no_exchange)
{
	struct ibv_mr *mr;

	begin();
	mr = reg(1, 1);
	causes = PINWATCH_CAUSE_MIGRATE | PINWATCH_CAUSE_FORK;
	fake_disturb(fake_page(1), FAKE_PAGE);
	send(mr);
	CHECK_EQ(slot_of(mr)->nr_uses, 0);
	fake_disturb(fake_page(1), FAKE_PAGE);
	CHECK_EQ(ibv_dereg_mr(mr), 0);
	CHECK_EQ(fake.nr_watches, 0);
	CHECK_EQ(table->slots[0].state, MR_FREE);
}

static void page_hit(void)
{
	fake_verbs.on_register = NULL;
	fake_invalidate(fake_page(1), FAKE_PAGE);
}

TEST(copy_on_write_of_the_registration_is_no_exchange)
{
	struct ibv_mr *mr;
	uint32_t serial;

	begin();
	causes = PINWATCH_CAUSE_COW;
	fake_verbs.on_register = page_hit;
	mr = reg(1, 1);
	serial = slot_of(mr)->serial;
	CHECK_EQ(fake.nr_watches, 1);
	/* The event of the first watch has a serial that concerns nothing. */
	CHECK_EQ(fake.last.add.cookie >> 32, serial);
	CHECK(serial > 1);
	send(mr);
	CHECK_EQ(slot_of(mr)->nr_uses, 0);
	fake_invalidate(fake_page(1), FAKE_PAGE);
	send(mr);
	CHECK_EQ(slot_of(mr)->nr_uses, 1);
}

TEST(exchange_during_the_registration_is_found)
{
	struct ibv_mr *mr;

	begin();
	fake_verbs.on_register = page_hit;
	mr = reg(1, 1);
	CHECK_EQ(fake.nr_watches, 1);
	send(mr);
	CHECK_EQ(slot_of(mr)->nr_uses, 1);
}

static int rereg(struct ibv_mr *mr, size_t page)
{
	return ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_TRANSLATION, NULL, fake_page(page), FAKE_PAGE,
			    0);
}

TEST(reregistration_watches_the_new_range)
{
	struct ibv_mr *mr;

	begin();
	mr = reg(1, 1);
	CHECK_EQ(rereg(mr, 2), 0);
	CHECK_EQ(fake.nr_watches, 1);
	fake_invalidate(fake_page(1), FAKE_PAGE);
	send(mr);
	CHECK_EQ(slot_of(mr)->nr_uses, 0);
	fake_invalidate(fake_page(2), FAKE_PAGE);
	send(mr);
	CHECK_EQ(slot_of(mr)->nr_uses, 1);
}

TEST(reregistration_that_fails)
{
	struct ibv_mr *mr;

	begin();
	mr = reg(1, 1);
	fake_verbs.rereg = IBV_REREG_MR_ERR_INPUT;
	CHECK_EQ(rereg(mr, 2), IBV_REREG_MR_ERR_INPUT);
	CHECK_EQ(fake.nr_watches, 1);
	CHECK_EQ(fake.watches[0].start, (uintptr_t)fake_page(1));
	fake_verbs.rereg = IBV_REREG_MR_ERR_CMD;
	CHECK_EQ(rereg(mr, 2), IBV_REREG_MR_ERR_CMD);
	CHECK_EQ(fake.nr_watches, 0);
}

/* The kernel ends the registrations of a device that is closed. */
TEST(close_of_the_device_ends_registrations)
{
	struct ibv_mr *mr, *stale;
	const struct mr_slot *slot;

	begin();
	mr = reg(1, 1);
	stale = reg(2, 1);
	slot = slot_of(stale);
	fake_invalidate(fake_page(2), FAKE_PAGE);
	CHECK_EQ(fake.nr_watches, 2);
	CHECK_EQ(ibv_close_device(context), 0);
	CHECK_EQ(fake.nr_watches, 1);
	CHECK_EQ(slot->state, MR_ENDED);
	free(mr);
	free(stale);
}

/* The program has closed all of its descriptors: the tool still has the device. */
TEST(closed_descriptor_opens_a_new_session)
{
	struct mr_table *first;
	struct ibv_mr *mr, *later;

	begin();
	mr = reg(1, 1);
	first = table;
	table = NULL;
	usable = false;
	later = reg(2, 1);
	CHECK_EQ(nr_opens, 2);
	CHECK_EQ(slot_of(later)->state, MR_REGISTERED);
	usable = false;
	CHECK_EQ(ibv_dereg_mr(mr), 0);
	CHECK(first->slots[0].state == MR_LEFT || first->slots[0].state == MR_ENDED);
}

TEST(child_is_watched_when_it_registers)
{
	struct ibv_mr *mr;
	int status;
	pid_t pid;

	begin();
	mr = reg(1, 1);
	fake_invalidate(fake_page(1), FAKE_PAGE);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		send(mr);
		CHECK_EQ(table->slots[0].nr_uses, 0);
		CHECK_EQ(ibv_dereg_mr(mr), 0);
		CHECK_EQ(table->slots[0].state, MR_REGISTERED);
		mr = reg(1, 1);
		CHECK_EQ(nr_opens, 2);
		CHECK_EQ(slot_of(mr)->state, MR_REGISTERED);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	send(mr);
	CHECK_EQ(slot_of(mr)->nr_uses, 1);
}

static void *thread_register(void *arg)
{
	size_t i, page = 10 * (size_t)(uintptr_t)arg;

	for (i = 0; i < NR_ROUNDS; i++) {
		struct ibv_mr *mr = reg(page, 1);

		send(mr);
		if (i % 16 == 0)
			fake_invalidate(fake_page(page), FAKE_PAGE);
		send(mr);
		ibv_dereg_mr(mr);
	}
	return NULL;
}

TEST(threads_register_and_post)
{
	unsigned int nr_ended = 0;
	uint64_t nr_uses = 0;
	pthread_t threads[NR_THREADS];
	size_t i;

	begin();
	for (i = 0; i < NR_THREADS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, thread_register, (void *)i), 0);
	for (i = 0; i < NR_THREADS; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	for (i = 0; i < MR_NR_SLOTS; i++) {
		nr_ended += table->slots[i].state == MR_ENDED;
		nr_uses += table->slots[i].nr_uses;
	}
	CHECK_EQ(nr_ended, NR_THREADS * ((NR_ROUNDS + 15) / 16));
	CHECK_EQ(nr_uses, nr_ended);
	CHECK_EQ(fake.nr_watches, nr_ended);
	CHECK_EQ(table->nr_registrations, NR_THREADS * NR_ROUNDS);
	CHECK_EQ(fake_verbs.nr_posts, 2 * NR_THREADS * NR_ROUNDS);
}
