// SPDX-License-Identifier: MIT
/*
 * Find the thread that changes pinned memory. The program pins a buffer, and prints which
 * thread changed the mapping, by which operation, and which pages differ from the pin.
 *
 * To watch another program, run `pinwatch watch -p PID`.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "libpinwatch.h"

#define NR_PAGES	16
#define PAGE_SIZE	4096UL

static char *buffer;

/* Stands for a library that discards memory without telling the program */
static void *trim_run(void *data)
{
	prctl(PR_SET_NAME, "trimmer");
	madvise(buffer + 3 * PAGE_SIZE, 2 * PAGE_SIZE, MADV_DONTNEED);
	return data;
}

static void event_print(const struct pinwatch_event *event)
{
	char causes[256];
	int page;

	printf("%s (thread %d) did %s to pages", event->comm, event->tid,
	       pinwatch_causes_string(event->causes, causes, sizeof(causes)));
	for (page = 0; page < NR_PAGES; page++)
		if (event->touched & (1ULL << page))
			printf(" %d", page);
	printf("\n");
}

static int verdicts_print(struct pinwatch *dev, const struct pinwatch_watch *watch)
{
	struct pinwatch_watch_verify result;
	uint8_t verdicts[NR_PAGES];
	int page, ret, nr_bad = 0;

	ret = pinwatch_watch_verify(dev, watch->id, 0, NR_PAGES, verdicts, &result);
	if (ret)
		return ret;
	for (page = 0; page < NR_PAGES; page++) {
		if (verdicts[page] == PINWATCH_VERDICT_SAME)
			continue;
		printf("page %d: %s\n", page, pinwatch_verdict_string(verdicts[page]));
		nr_bad++;
	}
	return nr_bad;
}

int main(void)
{
	struct pinwatch_watch watch;
	struct pinwatch_event event;
	struct pinwatch *dev;
	pthread_t thread;
	int ret;

	buffer = mmap(NULL, NR_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ret = pinwatch_open(&dev, NULL, 0);
	if (!ret)
		ret = pinwatch_watch_add(dev, buffer, NR_PAGES * PAGE_SIZE,
					 PINWATCH_WATCH_F_PIN | PINWATCH_WATCH_F_WRITE, 0, &watch);
	if (ret) {
		fprintf(stderr, "%s: %s\n", PINWATCH_DEVICE, strerror(-ret));
		return 1;
	}
	if (pthread_create(&thread, NULL, trim_run, NULL))
		return 1;
	if (pinwatch_read_events(dev, &event, 1) != 1)	/* waits for an event */
		return 1;
	pthread_join(thread, NULL);
	event_print(&event);
	ret = verdicts_print(dev, &watch);
	pinwatch_close(dev);
	return ret != 2 || event.causes != PINWATCH_CAUSE_MADVISE || event.touched != 0x18 ||
	       strcmp(event.comm, "trimmer") != 0;
}
