// SPDX-License-Identifier: MIT
/* The verb watch: options and event loop. See watch.h. */
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
#include "watched_process.h"
#include "verb.h"
#include "watch.h"

#define BATCH		64
#define RESCAN_NS	1000000000ULL	/* interval between scans for new mappings */

struct options {
	const char *device;
	pid_t pid;
	struct watch_filter filter;
	bool json;
	uint64_t count;		/* lines to print; 0: no limit */
	int interval_ms;
};

struct session {
	const struct options *options;
	struct watched_process process;
	struct watch_output output;
	struct watch_tally tally;
	int signal_fd;
	uint64_t scan_ns;
	uint64_t nr_printed;
	uint64_t nr_released;	/* RELEASE events of this address space */
	size_t nr_unwatched;	/* mappings not watched, as last printed */
	const char *stopping;	/* reason to stop after the queued events, or NULL */
	const char *stopped;	/* reason to stop now, or NULL */
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

static void record_handle(struct session *session, struct watch_record *record)
{
	bool released = record->event.events & PINWATCH_EVENT_RELEASE;
	struct watch_record sum = *record;

	if (released)
		sum.mapping = "all";
	if (!watch_tally_add(&session->tally, &sum))
		session->stopped = "no memory";
	/* All watches are released together: the table has one line for them. */
	if (released && session->nr_released++ && !session->output.json)
		return;
	watch_print_record(&session->output, record);
	if (++session->nr_printed == session->options->count)
		session->stopped = "as many as were asked for";
}

static void event_handle(struct session *session, struct pinwatch_event *event)
{
	struct watch_record record = { .event = *event };
	struct pinwatch_watch_stack stack;

	record.mapping = watched_process_name(&session->process, event);
	if ((session->options->filter.flags & PINWATCH_WATCH_F_STACK) &&
	    !pinwatch_watch_stack(session->process.dev, event->id, &stack))
		record.stack = &stack;
	record_handle(session, &record);
}

/* Read and handle all queued events. Returns 0 or -errno. */
static int events_read(struct session *session)
{
	struct pinwatch_event events[BATCH];
	int i, nr;

	do {
		nr = pinwatch_read_events(session->process.dev, events, BATCH);
		for (i = 0; i < nr && !session->stopped; i++)
			event_handle(session, &events[i]);
	} while (nr == BATCH && !session->stopped);
	if (nr >= 0 || nr == -EAGAIN || nr == -EINTR)
		return 0;
	session->process.device_failed = true;
	return nr;
}

static void head_print(struct session *session)
{
	const struct watch_coverage coverage = {
		.nr_ranges = session->process.nr_ranges,
		.nr_unwatched = session->process.nr_unwatched,
	};

	watch_print_head(&session->output, session->options->pid, &coverage);
	session->nr_unwatched = coverage.nr_unwatched;
	if (session->tally.max_unwatched < coverage.nr_unwatched)
		session->tally.max_unwatched = coverage.nr_unwatched;
}

/* The address space is gone: the process ended, or called exec. */
static int session_reattach(struct session *session)
{
	int ret = watched_process_reopen(&session->process);

	session->nr_released = 0;
	session->scan_ns = now_ns();
	if (!ret)
		head_print(session);
	if (ret != -ESRCH)
		return ret;
	session->stopped = "the process ended";
	return 0;
}

/* Wait for an event (if @events), the end of the process, a signal or the timeout. */
static void session_wait(struct session *session, bool events)
{
	struct pollfd fds[] = {
		{ .fd = session->signal_fd, .events = POLLIN },
		{ .fd = session->process.process.pidfd, .events = POLLIN },
		{ .fd = pinwatch_fd(session->process.dev), .events = POLLIN },
	};
	int timeout = events ? (int)(RESCAN_NS / 1000000) : session->options->interval_ms;

	if (poll(fds, events ? 3 : 2, timeout) <= 0)
		return;
	if (fds[0].revents)
		session->stopping = "interrupted";
	else if (fds[1].revents)
		session->stopping = "the process ended";
}

/* Scan for new mappings once a second. Returns 0 or -errno. */
static int scan_when_due(struct session *session)
{
	int ret;

	if (now_ns() - session->scan_ns <= RESCAN_NS)
		return 0;
	ret = watched_process_rescan(&session->process);
	session->scan_ns = now_ns();
	if (ret == -ESRCH) {
		/* The last events of the old address space */
		ret = events_read(session);
		return ret || session->stopped ? ret : session_reattach(session);
	}
	if (!ret && session->process.nr_unwatched != session->nr_unwatched)
		head_print(session);
	return ret;
}

static int session_step(struct session *session)
{
	int ret;

	session_wait(session, true);
	ret = events_read(session);
	if (ret || session->stopped || session->stopping)
		return ret;
	if (session->nr_released)
		return session_reattach(session);
	ret = scan_when_due(session);
	/* During the interval, the module merges the hits of each watch. */
	if (!ret && session->options->interval_ms)
		session_wait(session, false);
	return ret;
}

/* Events that were queued before the reason to stop are still printed. */
static int session_loop(struct session *session)
{
	int ret = 0;

	while (!ret && !session->stopped && !session->stopping)
		ret = session_step(session);
	if (!ret && !session->stopped)
		ret = events_read(session);
	if (!session->stopped)
		session->stopped = session->stopping;
	return ret;
}

/* Returns an exit status. */
static int error_print(const struct session *session, int error)
{
	const struct options *options = session->options;

	if (session->process.device_failed)
		return verb_device_error(options->device ? options->device : PINWATCH_DEVICE,
					 error);
	if (error == -ENXIO) {
		fprintf(stderr, "pinwatch: process %d has no matching mapping\n", options->pid);
		return STATUS_BAD;
	}
	return process_error(options->pid, error);
}

static int session_run(struct session *session)
{
	int ret = watched_process_rescan(&session->process);

	/* The process called exec after ATTACH. */
	if (ret == -ESRCH)
		ret = watched_process_reopen(&session->process);
	if (ret)
		return ret;
	session->scan_ns = now_ns();
	if (!session->process.nr_ranges && !session->process.nr_unwatched)
		return -ENXIO;
	head_print(session);
	ret = session_loop(session);
	if (!ret)
		watch_print_summary(&session->output, &session->tally, session->stopped);
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
			.colour = print_wants_colour(),
			.begin_ns = now_ns(),
		},
		.signal_fd = signals_open(),
	};
	int ret;

	if (session.signal_fd < 0)
		return verb_device_error("signals", -errno);
	ret = watched_process_open(&session.process, options->device, options->pid,
				   &options->filter);
	if (ret)
		return error_print(&session, ret);
	ret = session_run(&session);
	watch_tally_free(&session.tally);
	watched_process_close(&session.process);
	close(session.signal_fd);
	return ret ? error_print(&session, ret) : STATUS_OK;
}

/* Parse "7f00a000-7f00c000"; 0x prefixes are optional. */
static bool range_parse(const char *text, struct watch_filter *filter)
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
	case 'P':
		options->filter.flags |= PINWATCH_WATCH_F_PAGES;
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
		{ "pages", no_argument, NULL, 'P' },
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
	.summary = "Print each invalidation of a running process's memory, with cause and thread",
	.usage = "-p PID [--range A-B | --map NAME] [--stack] [--pages] [--count N]\n"
		 "       [--interval MS] [--json]",
	.help =
		"Watches all mappings of the process, and new mappings within a second. Stops when\n"
		"the process ends, or on Ctrl-C, and prints the sums. Needs CAP_SYS_PTRACE.\n\n"
		"  -p, --pid PID    the process to watch\n"
		"  --range A-B      watch only the addresses A to B, hexadecimal\n"
		"  --map NAME       watch only mappings whose name contains NAME: [heap], anon, libc\n"
		"  --stack          print the kernel stack, too (needs CAP_SYSLOG)\n"
		"  --pages          only invalidations that can exchange or remove a page\n"
		"  --count N        stop after N lines\n"
		"  --interval MS    merge hits of one range within MS milliseconds (default 100)\n"
		"  --json           print one JSON value a line; the last line has the sums\n"
		"  --device PATH    the device node (default " PINWATCH_DEVICE ")\n",
	.run = watch_main,
};
