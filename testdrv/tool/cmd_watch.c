// SPDX-License-Identifier: MIT
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "libpinwatch.h"
#include "print.h"
#include "target.h"
#include "verb.h"
#include "watch.h"

#define BATCH		64
#define RESCAN_NS	1000000000ULL	/* how often new mappings are looked for */

struct options {
	const char *device;
	pid_t pid;
	struct target_filter filter;
	bool json;
	uint64_t count;		/* 0: no end */
	int interval_ms;
};

struct session {
	const struct options *options;
	struct target target;
	struct watch_output output;
	struct watch_tally tally;
	int signal_fd;
	uint64_t scan_ns;
	uint64_t nr_printed;
	uint64_t nr_released;	/* of this address space: the table has one row for them */
	const char *ending;	/* why, when what is there to be read has been told */
	const char *ended;	/* why; NULL: not yet */
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

static bool colour_wanted(void)
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !getenv("NO_COLOR") && term && strcmp(term, "dumb") != 0;
}

static void row_handle(struct session *session, struct watch_row *row)
{
	bool released = row->event.events & PINWATCH_EVENT_RELEASE;
	struct watch_row sum = *row;

	if (released)
		sum.mapping = "all";
	if (!watch_tally_add(&session->tally, &sum))
		session->ended = "no memory";
	if (released && session->nr_released++ && !session->output.json)
		return;
	watch_print_row(&session->output, row);
	if (++session->nr_printed == session->options->count)
		session->ended = "as many as were asked for";
}

static void event_handle(struct session *session, struct pinwatch_event *event)
{
	struct watch_row row = { .event = *event };
	struct pinwatch_watch_stack stack;

	print_clean(row.event.comm, sizeof(row.event.comm));
	row.mapping = target_name(&session->target, event);
	if ((session->options->filter.flags & PINWATCH_WATCH_F_STACK) &&
	    !pinwatch_watch_stack(session->target.dev, event->id, &stack))
		row.stack = &stack;
	row_handle(session, &row);
}

/* What there is to read. 0, or -errno. */
static int events_read(struct session *session)
{
	struct pinwatch_event events[BATCH];
	int i, nr;

	do {
		nr = pinwatch_read_events(session->target.dev, events, BATCH);
		for (i = 0; i < nr && !session->ended; i++)
			event_handle(session, &events[i]);
	} while (nr == BATCH && !session->ended);
	return nr < 0 && nr != -EAGAIN && nr != -EINTR ? nr : 0;
}

static int scan(struct session *session)
{
	bool was_full = session->target.full;
	int ret = target_rescan(&session->target);

	session->scan_ns = now_ns();
	if (session->target.full && !was_full)
		fprintf(stderr, "pinwatch: more mappings than watches: only %zu are watched\n",
			session->target.nr_watches);
	return ret;
}

static void head_print(const struct session *session)
{
	watch_print_head(&session->output, session->options->pid, session->target.nr_watches);
}

/* Its memory is gone: it ended, or it is another program now. */
static int released(struct session *session)
{
	int ret = target_reopen(&session->target);

	session->nr_released = 0;
	session->scan_ns = now_ns();
	if (!ret)
		head_print(session);
	if (ret != -ESRCH && ret != -ENOENT)
		return ret;
	session->ended = "the process ended";
	return 0;
}

/* Returns when there is something to do, or it is time to look for new mappings. */
static void wait_for(struct session *session, bool events)
{
	struct pollfd fds[] = {
		{ .fd = session->signal_fd, .events = POLLIN },
		{ .fd = session->target.pidfd, .events = POLLIN },
		{ .fd = pinwatch_fd(session->target.dev), .events = POLLIN },
	};
	int timeout = events ? (int)(RESCAN_NS / 1000000) : session->options->interval_ms;

	if (poll(fds, events ? 3 : 2, timeout) <= 0)
		return;
	if (fds[0].revents)
		session->ending = "interrupted";
	else if (fds[1].revents)
		session->ending = "the process ended";
}

/* Look for new mappings, now and then. 0 or -errno. */
static int scan_when_due(struct session *session)
{
	int ret = 0;

	if (now_ns() - session->scan_ns > RESCAN_NS)
		ret = scan(session);
	if (ret != -ESRCH)
		return ret;
	session->ending = "the process ended";
	return 0;
}

static int step(struct session *session)
{
	int ret;

	wait_for(session, true);
	ret = events_read(session);
	if (ret || session->ended || session->ending)
		return ret;
	if (session->nr_released)
		return released(session);
	ret = scan_when_due(session);
	/* Hits of one watch merge meanwhile. */
	if (!ret && session->options->interval_ms)
		wait_for(session, false);
	return ret;
}

/* What happened before it was to end is told. */
static int session_loop(struct session *session)
{
	int ret = 0;

	while (!ret && !session->ended && !session->ending)
		ret = step(session);
	if (!ret && !session->ended)
		ret = events_read(session);
	if (!session->ended)
		session->ended = session->ending;
	return ret;
}

static int session_run(struct session *session)
{
	int ret = scan(session);

	if (ret)
		return ret;
	if (!session->target.nr_watches) {
		fprintf(stderr, "pinwatch: process %d has no such mapping\n",
			session->options->pid);
		return -ENXIO;
	}
	head_print(session);
	ret = session_loop(session);
	if (!ret)
		watch_print_summary(&session->output, &session->tally, session->ended);
	return ret;
}

static int signals_open(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static int watch_start(const struct options *options)
{
	struct session session = {
		.options = options,
		.output = {
			.json = options->json,
			.colour = colour_wanted(),
			.begin_ns = now_ns(),
		},
		.signal_fd = signals_open(),
	};
	int ret;

	if (session.signal_fd < 0)
		return verb_device_error("signals", -errno);
	ret = target_open(&session.target, options->device, options->pid, &options->filter);
	if (ret == -ESRCH) {
		fprintf(stderr, "pinwatch: there is no process %d, or it has no memory\n",
			options->pid);
		return STATUS_BAD;
	}
	if (ret)
		return verb_device_error(options->device ? options->device : PINWATCH_DEVICE, ret);
	ret = session_run(&session);
	watch_tally_free(&session.tally);
	target_close(&session.target);
	close(session.signal_fd);
	if (ret == -ENXIO)
		return STATUS_BAD;
	return ret ? verb_device_error("watch", ret) : STATUS_OK;
}

/* "7f00a000-7f00c000", with or without 0x. */
static bool range_parse(const char *text, struct target_filter *filter)
{
	char *end;

	filter->start = strtoull(text, &end, 16);
	if (end == text || *end != '-')
		return false;
	text = end + 1;
	filter->end = strtoull(text, &end, 16);
	return end != text && !*end && filter->start < filter->end;
}

static bool number_parse(const char *text, uint64_t max, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 10);
	return !errno && end != text && !*end && *text != '-' && *value <= max;
}

static bool option_parse(int opt, struct options *options)
{
	uint64_t value;

	switch (opt) {
	case 'd':
		options->device = optarg;
		return true;
	case 'p':
		if (!number_parse(optarg, INT32_MAX, &value) || !value)
			return false;
		options->pid = (pid_t)value;
		return true;
	case 'r':
		return range_parse(optarg, &options->filter);
	case 'm':
		options->filter.map = optarg;
		return true;
	case 'j':
		options->json = true;
		return true;
	case 's':
		options->filter.flags |= PINWATCH_WATCH_F_STACK;
		return true;
	case 'n':
		return number_parse(optarg, UINT64_MAX, &options->count) && options->count;
	case 'i':
		if (!number_parse(optarg, 3600000, &value))
			return false;
		options->interval_ms = (int)value;
		return true;
	}
	return false;
}

static int watch_main(int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "count", required_argument, NULL, 'n' },
		{ "device", required_argument, NULL, 'd' },
		{ "interval", required_argument, NULL, 'i' },
		{ "json", no_argument, NULL, 'j' },
		{ "map", required_argument, NULL, 'm' },
		{ "pid", required_argument, NULL, 'p' },
		{ "range", required_argument, NULL, 'r' },
		{ "stack", no_argument, NULL, 's' },
		{ 0 },
	};
	struct options options = { .interval_ms = 100 };
	int opt;

	while ((opt = getopt_long(argc, argv, "p:", longopts, NULL)) != -1)
		if (!option_parse(opt, &options))
			return verb_usage_error(&verb_watch);
	if (optind != argc || !options.pid || (options.filter.end && options.filter.map))
		return verb_usage_error(&verb_watch);
	return watch_start(&options);
}

const struct verb verb_watch = {
	.name = "watch",
	.summary = "Tell who invalidates which memory of a running process, and why",
	.usage = "-p PID [--range A-B | --map NAME] [--stack] [--count N] [--interval MS] [--json]",
	.help =
		"All mappings of the process are watched, new ones within a second. It ends with\n"
		"the process, or with Ctrl-C, and prints the sums. Needs CAP_SYS_PTRACE.\n\n"
		"  -p, --pid PID    the process\n"
		"  --range A-B      only these addresses, hexadecimal\n"
		"  --map NAME       only mappings whose name contains NAME: [heap], anon, libc\n"
		"  --stack          and from where in the kernel (needs CAP_SYSLOG)\n"
		"  --count N        end after N lines\n"
		"  --interval MS    hits of one range within that time are one line (100)\n"
		"  --json           a JSON value a line, for programs; the sums are the last\n"
		"  --device PATH    the device node (" PINWATCH_DEVICE ")\n",
	.run = watch_main,
};
