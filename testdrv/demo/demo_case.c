// SPDX-License-Identifier: MIT
/*
 * Runs one case of the demonstration. This process forks the subject, takes a snapshot
 * of both ranges before and after the operation, and reads the events.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel.h"
#include "demo_case.h"
#include "ops.h"

#define IDLE_MS	20

struct demo_case {
	const struct demo_op *op;
	struct subject *subject;	/* shared with the subject's process */
	struct pinwatch *dev;		/* the subject's device, as mapped by the parent */
	struct actor actor;		/* the parent, as the actor */
	struct pagemap pagemap;
	int channel;
	pid_t pid;
	bool reaped;
	struct demo_result *result;
	/* The last known state of the two ranges. */
	struct pagemap_snapshot watch;
	struct pagemap_snapshot control;
	uint64_t watch_generation;
	uint64_t pages_generation;
	uint64_t control_generation;
};

/* Set the verdict. Returns -1 if the case ends here. */
static int result_end(struct demo_case *dc, enum demo_verdict verdict, const char *reason,
		      const char *detail)
{
	dc->result->verdict = verdict;
	snprintf(dc->result->note, sizeof(dc->result->note), "%s%s%s", reason,
		 detail ? ": " : "", detail ? detail : "");
	return verdict == DEMO_OBSERVED || verdict == DEMO_KEPT ? 0 : -1;
}

static int result_fail(struct demo_case *dc, const char *reason, int error)
{
	return result_end(dc, DEMO_FAILED, reason, error ? strerror(-error) : NULL);
}

/* Read the pages of both ranges. Out: their changes since the previous call. */
static int ranges_read(struct demo_case *dc, struct demo_finding *watch,
		       struct demo_finding *control)
{
	struct subject *s = dc->subject;
	struct pagemap_snapshot watch_now, control_now;
	int ret;

	ret = pagemap_read(&dc->pagemap, s->addr, s->length, &watch_now);
	if (!ret)
		ret = pagemap_read(&dc->pagemap, s->control, s->length, &control_now);
	if (ret)
		return result_fail(dc, "reading /proc/PID/pagemap", ret);
	if (watch) {
		watch->page = pagemap_compare(&dc->watch, &watch_now);
		control->page = pagemap_compare(&dc->control, &control_now);
	}
	dc->watch = watch_now;
	dc->control = control_now;
	return 0;
}

static void generations_load(struct demo_case *dc, uint64_t *watch, uint64_t *control)
{
	*watch = word_load(&dc->actor.words[dc->subject->watch_id]);
	*control = word_load(&dc->actor.words[dc->subject->control_id]);
}

static void generations_compare(struct demo_case *dc, uint64_t watch_now, uint64_t control_now,
				struct demo_finding *watch, struct demo_finding *control)
{
	watch->generation_changed = watch_now != dc->watch_generation;
	control->generation_changed = control_now != dc->control_generation;
	dc->watch_generation = watch_now;
	dc->control_generation = control_now;
}

/* No process changes the subject's memory in the idle window, so no generation may change. */
static int case_idle(struct demo_case *dc, const char *when)
{
	struct demo_finding watch = {}, control = {};
	uint64_t watch_now, control_now;

	poll(NULL, 0, IDLE_MS);
	generations_load(dc, &watch_now, &control_now);
	generations_compare(dc, watch_now, control_now, &watch, &control);
	if (ranges_read(dc, &watch, &control))
		return -1;
	if (demo_finding_false(&watch) || demo_finding_false(&control))
		return result_end(dc, DEMO_FALSE, "a generation changed in the idle window", when);
	return 0;
}

static int subject_wait(struct demo_case *dc)
{
	int status;

	if (dc->reaped)
		return 0;
	/* A traced subject stops once more in exit. */
	do {
		if (waitpid(dc->pid, &status, 0) < 0)
			return -errno;
	} while (WIFSTOPPED(status) && !ptrace(PTRACE_DETACH, dc->pid, NULL, NULL));
	dc->reaped = true;
	if (dc->op->end == DEMO_HELD ||
	    (dc->op->end == DEMO_DIES && dc->op->by == DEMO_BY_OTHER))
		return WIFSIGNALED(status) ? 0 : -EPROTO;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EPROTO;
}

/* The operation does not return to the subject. The closed channel shows that it is done. */
static int operation_end_subject(struct demo_case *dc)
{
	int ret = 0;

	if (op_in_subject(dc->op))
		ret = channel_send(dc->channel, -1);
	else
		ret = dc->op->act(&dc->actor);
	if (ret)
		return ret;
	ret = channel_receive(dc->channel, NULL);
	if (ret != -EPIPE)
		return ret ? ret : dc->subject->error;
	ret = dc->op->end == DEMO_DIES ? subject_wait(dc) : 0;
	actor_end(&dc->actor, 0);
	return ret;
}

static int operation_perform(struct demo_case *dc)
{
	int ret;

	if (dc->op->end == DEMO_DIES || dc->op->end == DEMO_EXECS)
		return operation_end_subject(dc);
	if (!op_in_subject(dc->op))
		return dc->op->act(&dc->actor);
	ret = channel_send(dc->channel, -1);
	if (!ret)
		ret = channel_receive(dc->channel, NULL);
	return ret ? ret : dc->subject->error;
}

/* Read the events of the watched range. */
static void events_read(struct demo_case *dc)
{
	struct pinwatch_event events[8];
	struct demo_result *result = dc->result;
	int i, ret;

	while ((ret = pinwatch_read_events(dc->dev, events, 8)) > 0) {
		for (i = 0; i < ret; i++) {
			if (events[i].id != dc->subject->watch_id)
				continue;
			/* Unread invalidations share a record, with the time of the first. */
			if (result->told_ns < 0)
				result->told_ns = (int64_t)(events[i].time_ns -
							    dc->subject->begin_ns);
			result->events |= events[i].events;
			result->causes |= events[i].causes;
			result->nr_invalidations += events[i].count;
		}
	}
}

static int case_operation(struct demo_case *dc)
{
	struct demo_finding watch = {}, control = {};
	struct demo_result *result = dc->result;
	enum demo_verdict verdict;
	const char *reason;
	int ret;

	ret = operation_perform(dc);
	if (ret)
		return result_fail(dc, "the operation", ret);

	result->performed = true;
	result->generation_before = dc->watch_generation;
	result->generation_after = dc->subject->generation;
	result->pages_hit = dc->subject->pages_generation != dc->pages_generation;
	generations_compare(dc, dc->subject->generation, dc->subject->control_generation,
			    &watch, &control);
	if (ranges_read(dc, &watch, &control))
		return -1;
	result->page = watch.page;
	events_read(dc);
	verdict = demo_case_verdict(dc->op, result, &watch, &control, &reason);
	return result_end(dc, verdict, reason, NULL);
}

/* Receive the device from the subject, with the watches in place. */
static int case_open(struct demo_case *dc)
{
	int ret, fd;

	ret = channel_receive(dc->channel, &fd);
	if (ret)
		return result_fail(dc, "the subject died", ret);
	if (fd < 0)
		return result_fail(dc, "making the watched range", dc->subject->error);
	ret = pinwatch_from_fd(&dc->dev, fd);
	if (ret) {
		close(fd);
		return result_fail(dc, "mapping the generations", ret);
	}
	dc->actor.words = pinwatch_map_generations(dc->dev, NULL);
	ret = pagemap_open(&dc->pagemap, dc->pid);
	if (ret) {
		pinwatch_close(dc->dev);
		return result_fail(dc, "opening /proc/PID/pagemap", ret);
	}
	return 0;
}

static void case_opened(struct demo_case *dc, const struct demo_options *options)
{
	dc->result->pid = dc->pid;
	dc->result->addr = (uintptr_t)dc->subject->addr;
	dc->result->length = dc->subject->length;
	if (options->ready)
		options->ready(dc->result);
	generations_load(dc, &dc->watch_generation, &dc->control_generation);
	dc->pages_generation = word_load(&dc->actor.words[dc->subject->pages_id]);
	if (!ranges_read(dc, NULL, NULL) && !case_idle(dc, "before") && !case_operation(dc))
		case_idle(dc, "after");
	pagemap_close(&dc->pagemap);
	pinwatch_close(dc->dev);
}

/* Returns 0, or -1 with the result's note set. */
static int subject_fork(struct demo_case *dc, const char *device)
{
	struct subject *s = dc->subject;
	int ends[2], ret;

	ret = channel_open(ends);
	if (ret)
		return result_fail(dc, "socketpair", ret);
	*s = (struct subject){
		.op = dc->op, .pin = dc->result->pin, .device = device,
		.page_size = (size_t)sysconf(_SC_PAGESIZE), .fd = -1, .helper_pipe = -1,
	};
	s->length = SUBJECT_PAGES * s->page_size;
	fflush(NULL);
	dc->pid = fork();
	if (!dc->pid) {
		close(ends[0]);
		s->pid = getpid();
		subject_main(s, ends[1]);
	}
	ret = -errno;
	close(ends[1]);
	dc->channel = ends[0];
	if (dc->pid > 0)
		return 0;
	close(dc->channel);
	return result_fail(dc, "fork", ret);
}

/* Let a held subject continue its exit. */
static void subject_release(struct demo_case *dc)
{
	if (dc->op->end == DEMO_HELD)
		ptrace(PTRACE_DETACH, dc->pid, NULL, NULL);
}

static void case_run(struct demo_case *dc, const struct demo_options *options)
{
	if (subject_fork(dc, options->device))
		return;
	if (!case_open(dc))
		case_opened(dc, options);
	subject_release(dc);
	close(dc->channel);
	if (subject_wait(dc) && dc->result->verdict != DEMO_FAILED)
		result_fail(dc, "the subject did not exit as expected", 0);
}

void demo_case_run(const struct demo_op *op, struct subject *subject,
		   const struct demo_options *options, struct demo_result *result)
{
	struct demo_case dc = {
		.op = op, .subject = subject, .result = result, .actor.subject = subject,
	};
	int ret = op->prepare ? op->prepare() : 0;

	result_fail(&dc, ret ? "preparing the machine" : "did not finish", ret);
	if (!ret)
		case_run(&dc, options);
	if (op->cleanup)
		op->cleanup();
}
