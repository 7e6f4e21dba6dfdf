// SPDX-License-Identifier: MIT
/* Processes of the verb mr, and their events. See mr_watch.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "mr_watch.h"

#define BATCH		64
#define LOOK_MS		50	/* between looks at slots, which cannot be waited for */

static int directory_make(struct mr_watch *watch)
{
	const char *tmp = getenv("TMPDIR");

	if (!tmp || !tmp[0] || strlen(tmp) > sizeof(watch->path) - 32)
		tmp = "/tmp";
	snprintf(watch->path, sizeof(watch->path), "%s/pinwatch-mr.XXXXXX", tmp);
	return mkdtemp(watch->path) ? 0 : -errno;
}

static void directory_remove(struct mr_watch *watch)
{
	*strrchr(watch->path, '/') = '\0';
	rmdir(watch->path);
}

int mr_watch_open(struct mr_watch *watch)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int length, ret = directory_make(watch);

	if (ret)
		return ret;
	length = snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", watch->path);
	if (length < 0 || length >= (int)sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(watch->path, address.sun_path, sizeof(watch->path));
	watch->socket = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (watch->socket >= 0 &&
	    !bind(watch->socket, (struct sockaddr *)&address, sizeof(address)) &&
	    !listen(watch->socket, SOMAXCONN))
		return 0;
	ret = -errno;
	if (watch->socket >= 0)
		close(watch->socket);
	directory_remove(watch);
	return ret;
}

/* Returns NULL if a process could make the table shorter under the eyes of the tool. */
static const struct mr_table *table_map(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat stat;
	void *table;

	if (seals < 0 || !(seals & F_SEAL_SHRINK) || fstat(fd, &stat) ||
	    stat.st_size != sizeof(struct mr_table))
		return NULL;
	table = mmap(NULL, sizeof(struct mr_table), PROT_READ, MAP_SHARED, fd, 0);
	return table == MAP_FAILED ? NULL : table;
}

static void comm_read(struct mr_process *process)
{
	char path[32];
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/comm", process->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	length = fd < 0 ? -1 : read(fd, process->comm, sizeof(process->comm) - 1);
	if (length > 0 && process->comm[length - 1] == '\n')
		process->comm[length - 1] = '\0';
	if (fd >= 0)
		close(fd);
}

/* Takes @device, and not @memory. Returns 0 or -errno. */
static int process_add(struct mr_watch *watch, pid_t pid, int device, int memory)
{
	struct mr_process *process = calloc(1, sizeof(*process));
	int ret = -EINVAL;

	if (!process) {
		close(device);
		return -ENOMEM;
	}
	process->pid = pid;
	process->table = table_map(memory);
	if (process->table)
		ret = pinwatch_from_fd(&process->dev, device);
	if (ret) {
		if (process->table)
			munmap((void *)process->table, sizeof(*process->table));
		close(device);
		free(process);
		return ret;
	}
	comm_read(process);
	process->next = watch->processes;
	watch->processes = process;
	return 0;
}

/* Receive a struct mr_hello and two descriptors. Returns 0 or -errno. */
static int hello_receive(int socket, int *fds)
{
	struct mr_hello hello;
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(2 * sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = &hello, .iov_len = sizeof(hello) };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t length = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	struct cmsghdr *header = length < 0 ? NULL : CMSG_FIRSTHDR(&message);

	if (!header || header->cmsg_type != SCM_RIGHTS ||
	    header->cmsg_len != CMSG_LEN(2 * sizeof(int)))
		return -EPROTO;
	memcpy(fds, CMSG_DATA(header), 2 * sizeof(int));
	if (length == sizeof(hello) && hello.version == MR_VERSION &&
	    hello.size == sizeof(struct mr_table))
		return 0;
	close(fds[0]);
	close(fds[1]);
	return -EPROTO;
}

static int process_accept(struct mr_watch *watch)
{
	const struct timeval limit = { .tv_sec = 1 };
	struct ucred peer = { 0 };
	socklen_t size = sizeof(peer);
	int fds[2], ret, socket = accept4(watch->socket, NULL, NULL, SOCK_CLOEXEC);

	if (socket < 0)
		return -errno;
	setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size);
	ret = hello_receive(socket, fds);
	close(socket);
	if (ret)
		return ret;
	ret = process_add(watch, peer.pid, fds[0], fds[1]);
	close(fds[1]);
	return ret;
}

static void processes_accept(struct mr_watch *watch)
{
	int ret, tries;

	for (tries = 0; tries < BATCH; tries++) {
		ret = process_accept(watch);
		if (ret == -EAGAIN)
			return;
		if (ret)
			watch->error = ret;
	}
}

static struct mr_finding *finding_find(const struct mr_watch *watch, const struct mr_slot *slot)
{
	struct mr_finding *finding;

	for (finding = watch->findings; finding; finding = finding->next)
		if (finding->slot == slot)
			return finding;
	return NULL;
}

static void finding_add(struct mr_watch *watch, const struct mr_process *process,
			const struct mr_slot *slot, const struct pinwatch_event *event)
{
	struct mr_finding **link, *finding = calloc(1, sizeof(*finding));

	if (!finding) {
		watch->error = -ENOMEM;
		return;
	}
	finding->number = ++watch->nr_findings;
	finding->process = process;
	finding->slot = slot;
	finding->event = *event;
	finding->nr_hits = event->count;
	for (link = &watch->findings; *link; link = &(*link)->next)
		;
	*link = finding;
	mr_print_finding(watch, finding);
}

/* The address space goes away: each watch is hit once more. */
static bool event_is_release(const struct pinwatch_event *event)
{
	return (event->events & PINWATCH_EVENT_RELEASE) &&
	       !(event->causes & ~(MR_CAUSES_HARMLESS | PINWATCH_CAUSE_UNKNOWN));
}

static void event_judge(struct mr_watch *watch, const struct mr_process *process,
			const struct mr_slot *slot, const struct pinwatch_event *event)
{
	struct mr_finding *finding;

	if (slot->serial != event->cookie >> 32 || event->generation <= slot->generation ||
	    event_is_release(event) || !(event->causes & ~MR_CAUSES_HARMLESS))
		return;
	finding = finding_find(watch, slot);
	if (finding)
		finding->nr_hits += event->count;
	else
		finding_add(watch, process, slot, event);
}

/* Returns false if the event must wait for the end of a registration. */
static bool event_handle(struct mr_watch *watch, struct mr_process *process,
			 const struct pinwatch_event *event)
{
	const struct mr_slot *slot = &process->table->slots[event->cookie % MR_NR_SLOTS];

	switch (__atomic_load_n(&slot->state, __ATOMIC_ACQUIRE)) {
	case MR_BUSY:
		return false;
	case MR_REGISTERED:
	case MR_ENDED:
		event_judge(watch, process, slot, event);
		return true;
	default:
		return true;
	}
}

static void event_hold(struct mr_watch *watch, struct mr_process *process,
		       const struct pinwatch_event *event)
{
	size_t size = (process->nr_held + 1) * sizeof(*event);
	struct pinwatch_event *held = realloc(process->held, size);

	if (!held) {
		watch->error = -ENOMEM;
		return;
	}
	process->held = held;
	held[process->nr_held++] = *event;
}

static void held_handle(struct mr_watch *watch, struct mr_process *process)
{
	size_t i, nr = 0;

	for (i = 0; i < process->nr_held; i++)
		if (!event_handle(watch, process, &process->held[i]))
			process->held[nr++] = process->held[i];
	process->nr_held = nr;
}

static void events_handle(struct mr_watch *watch, struct mr_process *process)
{
	struct pinwatch_event events[BATCH];
	int i, nr;

	held_handle(watch, process);
	do {
		nr = pinwatch_read_events(process->dev, events, BATCH);
		for (i = 0; i < nr; i++)
			if (!event_handle(watch, process, &events[i]))
				event_hold(watch, process, &events[i]);
	} while (nr == BATCH);
}

/* The address space is gone, and each event was read. */
static bool process_ended(const struct mr_process *process)
{
	struct pollfd fd = { .fd = pinwatch_fd(process->dev), .events = POLLIN };

	return poll(&fd, 1, 0) == 1 && (fd.revents & POLLHUP) && !(fd.revents & POLLIN);
}

static void process_end(struct mr_process *process)
{
	pinwatch_close(process->dev);
	process->dev = NULL;
	free(process->held);
	process->held = NULL;
	process->nr_held = 0;
}

/* Uses, and the ends of registrations */
static void finding_look(struct mr_watch *watch, struct mr_finding *finding)
{
	const struct mr_slot *slot = finding->slot;
	const struct pinwatch_watch ended = { .id = slot->watch, .generation = slot->generation };

	if (!finding->use_printed && __atomic_load_n(&slot->used_ns, __ATOMIC_ACQUIRE)) {
		finding->use_printed = true;
		mr_print_use(watch, finding);
	}
	if (finding->ended || __atomic_load_n(&slot->state, __ATOMIC_ACQUIRE) != MR_ENDED)
		return;
	finding->ended = true;
	if (finding->process->dev)
		pinwatch_watch_del(finding->process->dev, &ended);
}

void mr_watch_handle(struct mr_watch *watch)
{
	struct mr_process *process;
	struct mr_finding *finding;

	processes_accept(watch);
	for (process = watch->processes; process; process = process->next) {
		bool ended = process->dev && process_ended(process);

		if (process->dev)
			events_handle(watch, process);
		if (ended)
			process_end(process);
	}
	for (finding = watch->findings; finding; finding = finding->next)
		finding_look(watch, finding);
}

/* Slots change without an event. */
static bool slots_change(const struct mr_watch *watch)
{
	const struct mr_process *process;
	const struct mr_finding *finding;

	for (process = watch->processes; process; process = process->next)
		if (process->nr_held)
			return true;
	for (finding = watch->findings; finding; finding = finding->next)
		if (finding->process->dev && !finding->ended)
			return true;
	return false;
}

static size_t processes_count(const struct mr_watch *watch)
{
	const struct mr_process *process;
	size_t nr = 0;

	for (process = watch->processes; process; process = process->next)
		nr += !!process->dev;
	return nr;
}

int mr_watch_wait(struct mr_watch *watch, int fd)
{
	struct pollfd *fds = calloc(2 + processes_count(watch), sizeof(*fds));
	const struct mr_process *process;
	nfds_t nr = 2;
	int ret;

	if (!fds)
		return -ENOMEM;
	fds[0] = (struct pollfd){ .fd = fd, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = watch->socket, .events = POLLIN };
	for (process = watch->processes; process; process = process->next)
		if (process->dev)
			fds[nr++] = (struct pollfd){ .fd = pinwatch_fd(process->dev),
						     .events = POLLIN };
	ret = poll(fds, nr, slots_change(watch) ? LOOK_MS : -1);
	free(fds);
	if (ret < 0 && errno != EINTR)
		return -errno;
	mr_watch_handle(watch);
	return 0;
}

void mr_watch_close(struct mr_watch *watch)
{
	struct mr_process *process;
	struct mr_finding *finding;

	while ((finding = watch->findings)) {
		watch->findings = finding->next;
		free(finding);
	}
	while ((process = watch->processes)) {
		watch->processes = process->next;
		process_end(process);
		munmap((void *)process->table, sizeof(*process->table));
		free(process);
	}
	close(watch->socket);
	unlink(watch->path);
	directory_remove(watch);
}
