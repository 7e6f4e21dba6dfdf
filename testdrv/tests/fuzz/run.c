// SPDX-License-Identifier: MIT
/* A program's process: its arena, its threads, its calls. See run.h. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "run.h"

#define PATIENCE_MS	300	/* with threads that are at work yet */
#define SIGNAL_US	40000L	/* between signals, which end a read() without events */

/* Of each thread, and of a child that goes on alone */
struct thread {
	struct run *run;
	pthread_t thread;
	unsigned int number;
	uint8_t *guarded;	/* a page for each blob, and behind each one that cannot be read */
	int pipe[2];
};

static bool thread_prepare(struct thread *thread, struct run *run, unsigned int number)
{
	unsigned int i;

	thread->run = run;
	thread->number = number;
	thread->guarded = mmap(NULL, 2 * PROG_PAGE * PROG_BLOBS, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (thread->guarded == MAP_FAILED || pipe2(thread->pipe, O_CLOEXEC))
		return false;
	for (i = 0; i < PROG_BLOBS; i++)
		if (mprotect(thread->guarded + (2 * i + 1) * PROG_PAGE, PROG_PAGE, PROT_NONE))
			return false;
	return true;
}

/* By the kernel, which does not mind what another thread has unmapped. */
static void memory_copy(const struct thread *thread, void *to, const void *from, size_t size)
{
	uint8_t rest[PROG_BLOB_MAX];

	if (write(thread->pipe[1], from, size) != (ssize_t)size)
		return;
	if (read(thread->pipe[0], to, size) < 0 && read(thread->pipe[0], rest, size) < 0)
		return;
}

/*
 * Each blob ends where its page does: what the kernel reads or writes beyond fails.
 * Or it lies in the arena, whose pages come and go.
 */
static void blob_place(struct thread *thread, struct run_call *call, unsigned int i)
{
	const struct prog_blob *blob = &call->blobs[i];
	unsigned long page = (call->index * 7 + i) % PROG_PAGES;

	if (call->prog->in_arena) {
		call->memory[i] = (uint8_t *)PROG_ARENA + page * PROG_PAGE;
		memory_copy(thread, call->memory[i], blob->bytes, blob->size);
		return;
	}
	call->memory[i] = thread->guarded + (2 * i + 1) * PROG_PAGE - blob->size;
	memcpy(call->memory[i], blob->bytes, blob->size);
}

/* The value of a patch; false: what stands there is to stay. */
static bool patch_value(const struct run_call *call, const struct prog_patch *patch,
			uint64_t *value)
{
	const struct run_result *result;

	if (patch->source == PROG_NO_CALL)
		return false;
	if (patch->kind == PROG_POINTER) {
		*value = (uintptr_t)call->memory[patch->source];
		return true;
	}
	result = &call->run->results[patch->source];
	if (!__atomic_load_n(&result->made, __ATOMIC_ACQUIRE))
		return false;
	*value = result->value;
	return true;
}

static bool is_in_blob(const struct prog_patch *patch)
{
	return patch->place != PROG_ARGS;
}

static void patches_apply(struct run_call *call, bool in_blobs)
{
	unsigned int i;

	for (i = 0; i < call->prog->nr_patches; i++) {
		const struct prog_patch *patch = &call->prog->patches[i];
		uint64_t value;

		if (in_blobs != is_in_blob(patch) || !patch_value(call, patch, &value))
			continue;
		if (!in_blobs)
			call->args[patch->offset] = value;
		else if (patch->offset + patch->size <= call->blobs[patch->place].size)
			prog_store(call->blobs[patch->place].bytes + patch->offset,
				   patch->size, value);
	}
}

/* Blobs are made from the last: an earlier one points to a later one. */
static void call_prepare(struct thread *thread, struct run_call *call, unsigned int index)
{
	const struct prog_call *prog = &thread->run->prog->calls[index];
	unsigned int i;

	call->index = index;
	call->prog = prog;
	memcpy(call->args, prog->args, sizeof(call->args));
	memcpy(call->blobs, prog->blobs, prog->nr_blobs * sizeof(call->blobs[0]));
	for (i = prog->nr_blobs; i--;)
		call->memory[i] = thread->guarded + (2 * i + 1) * PROG_PAGE - call->blobs[i].size;
	if (prog->in_arena)
		for (i = 0; i < prog->nr_blobs; i++)
			blob_place(thread, call, i);
	patches_apply(call, true);
	for (i = 0; i < prog->nr_blobs; i++)
		blob_place(thread, call, i);
	patches_apply(call, false);
}

/* What the call made is there for the calls that come after. */
static void result_publish(struct run_call *call, long ret)
{
	struct run_result *result = &call->run->results[call->index];
	const struct lang_call *lang = call->prog->call;
	const struct lang_struct *structure = lang_argument(lang);
	const struct lang_field *field = structure ? lang_find_field(structure, "id") : NULL;

	if (ret < 0 || !lang->made)
		return;
	result->value = (uint64_t)ret;
	if (!lang->ret) {
		if (call->prog->in_arena || !field ||
		    field->offset + field->type->size > call->blobs[0].size)
			return;
		result->value = prog_load(call->memory[0] + field->offset, field->type->size);
	}
	__atomic_store_n(&result->made, true, __ATOMIC_RELEASE);
}

static void thread_call(struct thread *thread, unsigned int index)
{
	struct run_call call = { .run = thread->run };
	long ret;

	call_prepare(thread, &call, index);
	run_snapshot(call.run, call.args[0], call.before);
	if (call.run->bust == REPORT_GENERATION)
		call.before[0]++;
	ret = run_make(&call);
	report_call(call.run->report, (unsigned int)(call.prog->call - call.run->lang->calls), ret);
	run_verdict(&call, ret);
	result_publish(&call, ret);
}

static void *thread_run(void *data)
{
	struct thread *thread = data;
	unsigned int i, nr_threads = thread->run->prog->nr_threads;

	/* The first call is the main thread's, before the others begin. */
	for (i = thread->number ?: nr_threads; i < thread->run->prog->nr; i += nr_threads)
		thread_call(thread, i);
	return NULL;
}

static void threads_end(struct thread *threads, unsigned int nr)
{
	struct timespec until;
	unsigned int i;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += PATIENCE_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	for (i = 1; i < nr; i++)
		pthread_timedjoin_np(threads[i].thread, NULL, &until);
}

static void signal_ignore(int number)
{
	(void)number;
}

/* Whatever sleeps is interrupted now and then. */
static void signals_start(void)
{
	struct sigaction action = { .sa_handler = signal_ignore };
	struct itimerval timer = { { 0, SIGNAL_US }, { 0, SIGNAL_US } };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

void run_program(struct run *run)
{
	static struct thread threads[RUN_THREADS];
	unsigned int i, nr = run->prog->nr_threads;
	void *arena = mmap((void *)PROG_ARENA, PROG_PAGES * PROG_PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	bool ready = arena != MAP_FAILED;

	for (i = 0; i < nr; i++)
		ready = ready && thread_prepare(&threads[i], run, i);
	if (!ready) {
		report_fail(run->report, REPORT_DIED, NULL, "no memory for a program");
		_exit(0);
	}
	if (run->bust == REPORT_DIED)
		raise(SIGSEGV);
	signals_start();
	thread_call(&threads[0], 0);
	for (i = 1; i < nr; i++)
		if (pthread_create(&threads[i].thread, NULL, thread_run, &threads[i]))
			_exit(0);
	thread_run(&threads[0]);
	threads_end(threads, nr);
	run_children_end(run);
	_exit(0);
}

void run_rest(struct run *run, unsigned int index)
{
	struct thread thread;
	unsigned int i;

	if (!thread_prepare(&thread, run, 0))
		return;
	for (i = index; i < run->prog->nr; i++)
		thread_call(&thread, i);
}
