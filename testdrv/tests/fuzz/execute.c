// SPDX-License-Identifier: MIT
/* The process of a program: arena, threads and calls. See execute.h. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "execute.h"

#define JOIN_MS		300	/* for threads to end */
#define SIGNAL_US	40000L	/* between signals, which interrupt read() without events */

/* Of each thread, and of a forked child */
struct thread {
	struct execution *execution;
	pthread_t thread;
	unsigned int number;
	uint8_t *guarded;	/* for each blob a page, and a page without access */
	int pipe[2];
};

/* The end of the page of blob @i: a page without access follows. */
static uint8_t *guarded_end(const struct thread *thread, unsigned int i)
{
	return thread->guarded + (2 * i + 1) * PROG_PAGE;
}

static bool thread_prepare(struct thread *thread, struct execution *execution, unsigned int number)
{
	unsigned int i;

	thread->execution = execution;
	thread->number = number;
	thread->guarded = mmap(NULL, 2 * PROG_PAGE * PROG_BLOBS, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (thread->guarded == MAP_FAILED || pipe2(thread->pipe, O_CLOEXEC))
		return false;
	for (i = 0; i < PROG_BLOBS; i++)
		if (mprotect(guarded_end(thread, i), PROG_PAGE, PROT_NONE))
			return false;
	return true;
}

/* Through a pipe: the kernel returns an error if another thread has unmapped @to. */
static void memory_copy(const struct thread *thread, void *to, const void *from, size_t size)
{
	uint8_t rest[PROG_BLOB_MAX];

	if (write(thread->pipe[1], from, size) != (ssize_t)size)
		return;
	if (read(thread->pipe[0], to, size) < 0 && read(thread->pipe[0], rest, size) < 0)
		return;
}

/*
 * A blob ends at the end of a page, so that the kernel fails if it reads or writes beyond
 * the blob. Or the blob lies in the arena, whose pages other threads map and unmap.
 */
static void blob_place(struct thread *thread, struct attempt *attempt, unsigned int i)
{
	const struct prog_blob *blob = &attempt->blobs[i];
	unsigned long page = (attempt->index * 7 + i) % PROG_PAGES;

	if (attempt->prog->in_arena) {
		attempt->memory[i] = (uint8_t *)PROG_ARENA + page * PROG_PAGE;
		memory_copy(thread, attempt->memory[i], blob->bytes, blob->size);
		return;
	}
	attempt->memory[i] = guarded_end(thread, i) - blob->size;
	memcpy(attempt->memory[i], blob->bytes, blob->size);
}

/* The value of a patch; false: keep the generated value. */
static bool patch_value(const struct attempt *attempt, const struct prog_patch *patch,
			uint64_t *value)
{
	const struct attempt_result *result;

	if (patch->source == PROG_NO_CALL)
		return false;
	if (patch->kind == PROG_POINTER) {
		*value = (uintptr_t)attempt->memory[patch->source];
		return true;
	}
	result = &attempt->execution->results[patch->source];
	if (!__atomic_load_n(&result->made, __ATOMIC_ACQUIRE))
		return false;
	*value = result->value;
	return true;
}

static bool is_in_blob(const struct prog_patch *patch)
{
	return patch->place != PROG_ARGS;
}

static void patches_apply(struct attempt *attempt, bool in_blobs)
{
	unsigned int i;

	for (i = 0; i < attempt->prog->nr_patches; i++) {
		const struct prog_patch *patch = &attempt->prog->patches[i];
		uint64_t value;

		if (in_blobs != is_in_blob(patch) || !patch_value(attempt, patch, &value))
			continue;
		if (!in_blobs)
			attempt->args[patch->offset] = value;
		else if (patch->offset + patch->size <= attempt->blobs[patch->place].size)
			prog_store(attempt->blobs[patch->place].bytes + patch->offset,
				   patch->size, value);
	}
}

/* First all addresses, then their patches, then the blobs with the patched bytes. */
static void attempt_prepare(struct thread *thread, struct attempt *attempt, unsigned int index)
{
	const struct prog_call *prog = &thread->execution->prog->calls[index];
	unsigned int i;

	attempt->index = index;
	attempt->prog = prog;
	memcpy(attempt->args, prog->args, sizeof(attempt->args));
	memcpy(attempt->blobs, prog->blobs, prog->nr_blobs * sizeof(attempt->blobs[0]));
	for (i = prog->nr_blobs; i--;)
		attempt->memory[i] = guarded_end(thread, i) - attempt->blobs[i].size;
	if (prog->in_arena)
		for (i = 0; i < prog->nr_blobs; i++)
			blob_place(thread, attempt, i);
	patches_apply(attempt, true);
	for (i = 0; i < prog->nr_blobs; i++)
		blob_place(thread, attempt, i);
	patches_apply(attempt, false);
}

/* Give the result of a call to later calls. */
static void result_publish(struct attempt *attempt, long ret)
{
	struct attempt_result *result = &attempt->execution->results[attempt->index];
	const struct abi_call *call = attempt->prog->call;
	bool there = true;

	if (ret < 0 || !call->makes)
		return;
	/* Another thread may unmap the arena. */
	if (call->makes == ABI_ID && attempt->prog->in_arena)
		return;
	result->value = (uint64_t)ret;
	if (call->makes == ABI_ID)
		result->value = attempt_member(attempt, call->args[2].to, "id", &there);
	if (!there)
		return;
	__atomic_store_n(&result->made, true, __ATOMIC_RELEASE);
}

static void thread_call(struct thread *thread, unsigned int index)
{
	struct execution *execution = thread->execution;
	struct attempt attempt = { .execution = execution };
	long ret;

	attempt_prepare(thread, &attempt, index);
	generations_read(execution, attempt.args[0], attempt.before);
	if (execution->inject == DEFECT_GENERATION)
		attempt.before[0]++;
	ret = attempt.prog->call->make(&attempt);
	tally_call(execution->tally, attempt.prog->call, ret);
	attempt_check(&attempt, ret);
	result_publish(&attempt, ret);
}

static void *thread_run(void *data)
{
	struct thread *thread = data;
	unsigned int i, nr_threads = thread->execution->prog->nr_threads;

	/* The main thread makes the first call alone. */
	for (i = thread->number ?: nr_threads; i < thread->execution->prog->nr; i += nr_threads)
		thread_call(thread, i);
	return NULL;
}

static void threads_end(struct thread *threads, unsigned int nr)
{
	struct timespec until;
	unsigned int i;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += JOIN_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	for (i = 1; i < nr; i++)
		pthread_timedjoin_np(threads[i].thread, NULL, &until);
}

static void signal_ignore(int number)
{
	(void)number;
}

/* Interrupt sleeping calls. */
static void signals_start(void)
{
	struct sigaction action = { .sa_handler = signal_ignore };
	struct itimerval timer = { { 0, SIGNAL_US }, { 0, SIGNAL_US } };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

void execution_start(struct execution *execution)
{
	static struct thread threads[EXECUTION_THREADS];
	unsigned int i, nr = execution->prog->nr_threads;
	void *arena = mmap((void *)PROG_ARENA, PROG_PAGES * PROG_PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	bool ready = arena != MAP_FAILED;

	for (i = 0; i < nr; i++)
		ready = ready && thread_prepare(&threads[i], execution, i);
	if (!ready) {
		tally_defect(execution->tally, DEFECT_DIED, NULL, "no memory for a program");
		_exit(0);
	}
	if (execution->inject == DEFECT_DIED)
		raise(SIGSEGV);
	signals_start();
	thread_call(&threads[0], 0);
	for (i = 1; i < nr; i++)
		if (pthread_create(&threads[i].thread, NULL, thread_run, &threads[i]))
			_exit(0);
	thread_run(&threads[0]);
	threads_end(threads, nr);
	execution_children_end(execution);
	_exit(0);
}

void execution_rest(struct execution *execution, unsigned int index)
{
	struct thread thread;
	unsigned int i;

	if (!thread_prepare(&thread, execution, 0))
		return;
	for (i = index; i < execution->prog->nr; i++)
		thread_call(&thread, i);
}
