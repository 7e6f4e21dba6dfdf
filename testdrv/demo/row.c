// SPDX-License-Identifier: MIT
/* One row of the demonstration, as the harness runs and judges it. */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel.h"
#include "ops.h"
#include "row.h"

#define IDLE_MS	20

/* One row while it is run. */
struct run {
	const struct demo_op *op;
	struct subject *subject;	/* shared with the subject's process */
	struct pinwatch *dev;		/* the subject's device, in this process */
	struct actor actor;		/* this process as one */
	struct pagemap pagemap;
	int channel;
	pid_t pid;
	bool reaped;
	struct demo_row *row;
	/* The two ranges as last looked at. */
	struct pagemap_snapshot watch;
	struct pagemap_snapshot control;
	uint64_t watch_generation;
	uint64_t control_generation;
};

/* How a stretch of time went for one range. */
struct finding {
	struct pagemap_diff page;
	bool generation_changed;
};

/* Returns -1 for a verdict that ends the row. */
static int row_note(struct run *run, enum demo_verdict verdict, const char *what,
		    const char *detail)
{
	run->row->verdict = verdict;
	snprintf(run->row->note, sizeof(run->row->note), "%s%s%s", what,
		 detail ? ": " : "", detail ? detail : "");
	return verdict == DEMO_OBSERVED || verdict == DEMO_KEPT ? 0 : -1;
}

static int row_failed(struct run *run, const char *what, int error)
{
	return row_note(run, DEMO_FAILED, what, error ? strerror(-error) : NULL);
}

/* Look at both ranges; says what became of them since the last look. */
static int run_look(struct run *run, struct finding *watch, struct finding *control)
{
	struct subject *s = run->subject;
	struct pagemap_snapshot watch_now, control_now;
	int ret;

	ret = pagemap_read(&run->pagemap, s->addr, s->length, &watch_now);
	if (!ret)
		ret = pagemap_read(&run->pagemap, s->control, s->length, &control_now);
	if (ret)
		return row_failed(run, "the oracle", ret);
	if (watch) {
		watch->page = pagemap_compare(&run->watch, &watch_now);
		control->page = pagemap_compare(&run->control, &control_now);
	}
	run->watch = watch_now;
	run->control = control_now;
	return 0;
}

static void generations_load(struct run *run, uint64_t *watch, uint64_t *control)
{
	*watch = word_load(&run->actor.words[run->subject->watch_id]);
	*control = word_load(&run->actor.words[run->subject->control_id]);
}

static void generations_compare(struct run *run, uint64_t watch_now, uint64_t control_now,
				struct finding *watch, struct finding *control)
{
	watch->generation_changed = watch_now != run->watch_generation;
	control->generation_changed = control_now != run->control_generation;
	run->watch_generation = watch_now;
	run->control_generation = control_now;
}

static bool finding_false(const struct finding *finding)
{
	return finding->generation_changed && finding->page.change == PAGE_SAME;
}

static bool finding_missed(const struct finding *finding)
{
	return !finding->generation_changed && finding->page.change != PAGE_SAME;
}

/* A time in which nobody does anything to the subject. */
static int run_idle(struct run *run, const char *when)
{
	struct finding watch = {}, control = {};
	uint64_t watch_now, control_now;

	poll(NULL, 0, IDLE_MS);
	generations_load(run, &watch_now, &control_now);
	generations_compare(run, watch_now, control_now, &watch, &control);
	if (run_look(run, &watch, &control))
		return -1;
	if (finding_false(&watch) || finding_false(&control))
		return row_note(run, DEMO_FALSE, "changed in the idle window", when);
	return 0;
}

static int subject_wait(struct run *run)
{
	int status;

	if (run->reaped)
		return 0;
	/* One that is traced stops once more on its way out. */
	do {
		if (waitpid(run->pid, &status, 0) < 0)
			return -errno;
	} while (WIFSTOPPED(status) && !ptrace(PTRACE_DETACH, run->pid, NULL, NULL));
	run->reaped = true;
	if (run->op->end == DEMO_HELD ||
	    (run->op->end == DEMO_DIES && run->op->who == DEMO_OTHER))
		return WIFSIGNALED(status) ? 0 : -EPROTO;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EPROTO;
}

/* The operation does not return to the subject: its end does. */
static int operation_ends_subject(struct run *run)
{
	int ret = 0;

	if (op_in_subject(run->op))
		ret = channel_send(run->channel, -1);
	else
		ret = run->op->act(&run->actor);
	if (ret)
		return ret;
	ret = channel_receive(run->channel, NULL);
	if (ret != -EPIPE)
		return ret ? ret : run->subject->error;
	ret = run->op->end == DEMO_DIES ? subject_wait(run) : 0;
	actor_end(&run->actor, 0);
	return ret;
}

static int operation_perform(struct run *run)
{
	int ret;

	if (run->op->end == DEMO_DIES || run->op->end == DEMO_EXECS)
		return operation_ends_subject(run);
	if (!op_in_subject(run->op))
		return run->op->act(&run->actor);
	ret = channel_send(run->channel, -1);
	if (!ret)
		ret = channel_receive(run->channel, NULL);
	return ret ? ret : run->subject->error;
}

/* What was told of the watched range. */
static void events_read(struct run *run)
{
	struct pinwatch_event events[8];
	struct demo_row *row = run->row;
	int i, ret;

	while ((ret = pinwatch_read_events(run->dev, events, 8)) > 0) {
		for (i = 0; i < ret; i++) {
			if (events[i].id != run->subject->watch_id)
				continue;
			/* One record, as long as nobody reads in between: its time is the first. */
			if (row->told_ns < 0)
				row->told_ns = (int64_t)(events[i].time_ns -
							 run->subject->begin_ns);
			row->events |= events[i].events;
			row->causes |= events[i].causes;
			row->nr_told += events[i].count;
		}
	}
}

static bool expectation_met(enum demo_expect expect, const struct finding *watch)
{
	switch (expect) {
	case MUST_CHANGE:
		return watch->page.change >= PAGE_NOT_PRESENT;
	case MUST_PROTECT:
		return watch->page.change > PAGE_SAME &&
		       watch->page.change <= PAGE_READ_ONLY;
	case MUST_TELL:
		return watch->generation_changed;
	case MAY_KEEP:
		return true;
	}
	return false;
}

static bool events_met(const struct demo_op *op, uint32_t events)
{
	return events & (op->events_here ? op->events_here() : op->events);
}

/* The kernel may do more on the way, but nothing that has no name. */
static bool cause_met(const struct demo_op *op, uint64_t causes)
{
	return causes & op->cause && !(causes & PINWATCH_CAUSE_UNKNOWN);
}

static int run_judge(struct run *run, const struct finding *watch,
		     const struct finding *control)
{
	enum demo_expect expect = run->row->pin ? run->op->pin : run->op->watch;

	if (finding_missed(watch))
		return row_note(run, DEMO_MISSED, "changed, but not its generation", NULL);
	if (finding_missed(control))
		return row_note(run, DEMO_MISSED, "the control range changed unnoticed", NULL);
	if (finding_false(control))
		return row_note(run, DEMO_FALSE, "the control range's generation changed", NULL);
	if (!expectation_met(expect, watch))
		return row_failed(run, "not the effect it should have", 0);
	if (watch->generation_changed && !events_met(run->op, run->row->events))
		return row_failed(run, "told as another event than it should be", 0);
	if (watch->generation_changed && !cause_met(run->op, run->row->causes))
		return row_failed(run, "told with another cause than it should be", 0);
	return row_note(run, watch->generation_changed ? DEMO_OBSERVED : DEMO_KEPT, "", NULL);
}

static int run_operation(struct run *run)
{
	struct finding watch = {}, control = {};
	struct demo_row *row = run->row;
	int ret;

	ret = operation_perform(run);
	if (ret)
		return row_failed(run, "the operation", ret);

	row->performed = true;
	row->generation_before = run->watch_generation;
	row->generation_after = run->subject->generation;
	generations_compare(run, run->subject->generation, run->subject->control_generation,
			    &watch, &control);
	if (run_look(run, &watch, &control))
		return -1;
	row->page = watch.page;
	events_read(run);
	return run_judge(run, &watch, &control);
}

static int run_open(struct run *run)
{
	int ret, fd;

	ret = channel_receive(run->channel, &fd);
	if (ret)
		return row_failed(run, "the subject died", ret);
	if (fd < 0)
		return row_failed(run, "making the watched range", run->subject->error);
	ret = pinwatch_from_fd(&run->dev, fd);
	if (ret) {
		close(fd);
		return row_failed(run, "mapping the generations", ret);
	}
	run->actor.words = pinwatch_map_generations(run->dev, NULL);
	ret = pagemap_open(&run->pagemap, run->pid);
	if (ret) {
		pinwatch_close(run->dev);
		return row_failed(run, "the oracle", ret);
	}
	return 0;
}

static void run_opened(struct run *run, const struct demo_options *options)
{
	run->row->pid = run->pid;
	run->row->addr = (uintptr_t)run->subject->addr;
	run->row->length = run->subject->length;
	if (options->ready)
		options->ready(run->row);
	generations_load(run, &run->watch_generation, &run->control_generation);
	if (!run_look(run, NULL, NULL) && !run_idle(run, "before") && !run_operation(run))
		run_idle(run, "after");
	pagemap_close(&run->pagemap);
	pinwatch_close(run->dev);
}

/* 0, or -1 with the row's note set. */
static int subject_fork(struct run *run, const char *device)
{
	struct subject *s = run->subject;
	int ends[2], ret;

	ret = channel_open(ends);
	if (ret)
		return row_failed(run, "socketpair", ret);
	*s = (struct subject){
		.op = run->op, .pin = run->row->pin, .device = device,
		.page_size = (size_t)sysconf(_SC_PAGESIZE), .fd = -1, .helper_pipe = -1,
	};
	s->length = SUBJECT_PAGES * s->page_size;
	fflush(NULL);
	run->pid = fork();
	if (!run->pid) {
		close(ends[0]);
		s->pid = getpid();
		subject_main(s, ends[1]);
	}
	ret = -errno;
	close(ends[1]);
	run->channel = ends[0];
	if (run->pid > 0)
		return 0;
	close(run->channel);
	return row_failed(run, "fork", ret);
}

/* One that is held at its exit goes on; any other is not traced. */
static void subject_release(struct run *run)
{
	if (run->op->end == DEMO_HELD)
		ptrace(PTRACE_DETACH, run->pid, NULL, NULL);
}

static void subject_run(struct run *run, const struct demo_options *options)
{
	if (subject_fork(run, options->device))
		return;
	if (!run_open(run))
		run_opened(run, options);
	subject_release(run);
	close(run->channel);
	if (subject_wait(run) && run->row->verdict != DEMO_FAILED)
		row_failed(run, "the subject ended badly", 0);
}

void row_run(const struct demo_op *op, struct subject *subject,
	     const struct demo_options *options, struct demo_row *row)
{
	struct run run = {
		.op = op, .subject = subject, .row = row, .actor.subject = subject,
	};
	int ret = op->prepare ? op->prepare() : 0;

	row_failed(&run, ret ? "preparing the machine" : "did not finish", ret);
	if (!ret)
		subject_run(&run, options);
	if (op->cleanup)
		op->cleanup();
}
