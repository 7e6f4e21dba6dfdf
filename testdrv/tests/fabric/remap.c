// SPDX-License-Identifier: MIT
/*
 * An ordinary libfabric program: one process sends a buffer to another, again and again.
 * The memory under the buffer changes between two messages. The program counts the messages
 * that arrive with wrong contents, as a registration cache that did not notice the change
 * sends the pages that it registered before.
 */
#include <err.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "endpoint.h"
#include "memory.h"
#include "registration.h"
#include "remap.h"

#define RESULT_JSON							\
	"{ \"mode\": \"%s\", \"messages\": %u, \"size\": %zu, \"wrong\": %u, "	\
	"\"first_wrong\": %u, \"ms\": %.3f, \"sender\": %d }\n"

struct remap_options options = { .messages = 10, .size = 256UL * 1024 };

double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* The receiver: for each message one byte to the sender, 1 if the contents are wrong */
static void __attribute__((noreturn)) receive(int channel)
{
	unsigned char *buffer = mmap(NULL, options.size, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct endpoint endpoint;
	unsigned int message;
	char wrong;

	if (buffer == MAP_FAILED)
		err(2, "mmap");
	endpoint_open(&endpoint);
	endpoint_connect(&endpoint, channel);
	for (message = 1; message <= options.messages; message++) {
		memset(buffer, 0, options.size);
		endpoint_receive(&endpoint, buffer, options.size, message);
		wrong = memory_count_wrong(buffer, options.size, message) != 0;
		if (write(channel, &wrong, 1) != 1)
			exit(2);
	}
	/* The connection stays until the sender is done. */
	if (read(channel, &wrong, 1) < 0)
		exit(2);
	endpoint_close(&endpoint);
	exit(0);
}

int receiver_start(pid_t *pid)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		err(2, "socketpair");
	*pid = fork();
	if (*pid < 0)
		err(2, "fork");
	if (*pid == 0) {
		close(ends[0]);
		receive(ends[1]);
	}
	close(ends[1]);
	return ends[0];
}

void receiver_stop(int channel, pid_t pid)
{
	int status;

	close(channel);
	if (waitpid(pid, &status, 0) != pid || status)
		errx(2, "the receiver failed");
}

void message_send(struct endpoint *endpoint, struct memory *memory, int channel,
		  unsigned int message, struct result *result)
{
	char wrong;

	memory_fill(memory, message);
	endpoint_send(endpoint, memory->start, memory->size, message);
	if (read(channel, &wrong, 1) != 1)
		errx(2, "the receiver has ended");
	result->wrong += wrong != 0;
	if (wrong && !result->first)
		result->first = message;
}

static struct result messages_send(struct endpoint *endpoint, struct memory *memory, int channel)
{
	struct result result = { 0 };
	const double begin = now();
	unsigned int message;

	for (message = 1; message <= options.messages; message++)
		message_send(endpoint, memory, channel, message, &result);
	result.seconds = now() - begin;
	return result;
}

static void result_print(const char *mode, const struct result *result)
{
	const double ms = result->seconds * 1e3 / options.messages;

	if (options.json)
		printf(RESULT_JSON, mode, options.messages, options.size, result->wrong,
		       result->first, ms, getpid());
	else
		printf("%-9s %u messages of %zu bytes: %u wrong (%.3f ms each)\n", mode,
		       options.messages, options.size, result->wrong, ms);
}

/* The sender, a process of its own for each mode */
static void __attribute__((noreturn)) send_mode(const struct memory_mode *mode)
{
	struct endpoint endpoint;
	struct result result;
	struct memory memory;
	pid_t receiver;
	int channel;

	memory_open(&memory, mode, options.size);
	channel = receiver_start(&receiver);
	registration_follow(&memory);
	endpoint_open(&endpoint);
	endpoint_connect(&endpoint, channel);
	result = messages_send(&endpoint, &memory, channel);
	receiver_stop(channel, receiver);
	endpoint_close(&endpoint);
	memory_close(&memory);
	result_print(mode->name, &result);
	exit(result.wrong != 0);
}

/* Run @name in a child. Returns the child's exit status, 2 if a signal killed the child */
static int run(const char *name)
{
	const struct memory_mode *mode = memory_mode_find(name);
	int status;
	pid_t pid;

	if (!mode)
		errx(2, "no mode %s: see --help", name);
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		send_mode(mode);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		err(2, "fork");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}

static void help(void)
{
	puts("usage: remap [OPTION...] MODE...\n"
	     "       remap [OPTION...] --bench MONITOR...\n"
	     "Send a buffer over verbs;ofi_rxm again and again, and count wrong messages.\n"
	     "  --messages N  for each mode (10)\n"
	     "  --size BYTES  of a message (262144)\n"
	     "  --json        one JSON object a line\n"
	     "  --bench       registrations, look-ups and messages a second with each value of\n"
	     "                FI_MR_CACHE_MONITOR; default: the variable is not set. Medians of\n"
	     "                5 rounds, and the largest difference of two rounds\n"
	     "Exit status: 0, 1 if a message was wrong, 2 if something failed.\n"
	     "What changes the memory before each message but the first:");
	memory_modes_print();
}

static bool options_parse(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "messages", required_argument, NULL, 'n' },
		{ "size", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' }, { "bench", no_argument, NULL, 'b' },
		{ "help", no_argument, NULL, 'h' }, { NULL }
	};
	bool benchmark = false;
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'n':
			options.messages = (unsigned int)atoi(optarg);
			break;
		case 's':
			options.size = (size_t)atol(optarg);
			break;
		case 'j':
			options.json = true;
			break;
		case 'b':
			benchmark = true;
			options.messages = 50;
			break;
		case 'h':
			help();
			exit(0);
		default:
			exit(2);
		}
	}
	if (optind == argc || options.messages < 1 || options.size < 2)
		errx(2, "nothing to send: see --help");
	return benchmark;
}

int main(int argc, char **argv)
{
	const bool benchmark = options_parse(argc, argv);
	int ret, worst = 0;

	signal(SIGPIPE, SIG_IGN);
	if (benchmark) {
		bench(argv + optind, argc - optind);
		return 0;
	}
	for (; optind < argc; optind++) {
		ret = run(argv[optind]);
		if (ret > worst)
			worst = ret;
	}
	return worst;
}
