// SPDX-License-Identifier: MIT
/*
 * Permissions: each kind of caller performs each operation in a new process. The result is
 * compared with a table. The table of the results is printed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/capability.h>

#include "credentials.h"
#include "channel.h"
#include "device.h"

#define MEMLOCK_PAGES	16UL
#define TOLD		1	/* of the actor; 0: not */
#define HIDDEN		0
#define NONE		2	/* there is no such thing */

enum {
	ROOT,
	NO_SYS_PTRACE,
	NO_SYSLOG,
	NO_SYS_ADMIN,
	NO_IPC_LOCK,
	PASSED,		/* nobody, with root's descriptor */
	OPENED,		/* the user nobody, who has opened the descriptor */
	SAME_USER,	/* the user nobody, with the descriptor of another process of the user */
	NAMESPACE,	/* root of a new user namespace */
	NR_CALLERS,
};

static const char *const callers[NR_CALLERS] = {
	"root", "-PTRACE", "-SYSLOG", "-ADMIN", "-IPCLOCK", "passed", "opened", "sameuser",
	"userns",
};

/* The input of an operation: see cell_prepare(). */
struct cell {
	int caller;
	int fd;
	char *addr;
	int channel;	/* to another process, which discards its page at each turn */
	char *other_addr;
	pid_t other;
};

static int op_open(struct cell *cell)
{
	int fd = open(PINWATCH_DEVICE, O_RDWR | O_CLOEXEC);

	(void)cell;
	return fd < 0 ? -errno : 0;
}

static int op_info(struct cell *cell)
{
	struct pinwatch_info info = { .size = sizeof(info) };

	return try_ioctl(cell->fd, PINWATCH_IOC_GET_INFO, &info);
}

static int op_stats(struct cell *cell)
{
	struct pinwatch_stats stats = { .size = sizeof(stats) };

	return try_ioctl(cell->fd, PINWATCH_IOC_GET_STATS, &stats);
}

static int cell_add(struct cell *cell, size_t nr_pages, uint32_t flags)
{
	struct pinwatch_watch_add args;

	return try_add(cell->fd, map_pages(nr_pages), nr_pages * page_size(), flags, 0, &args);
}

static int op_add(struct cell *cell)
{
	return cell_add(cell, 1, WATCH);
}

static int op_add_pin(struct cell *cell)
{
	return cell_add(cell, MEMLOCK_PAGES, PIN_RW);
}

static int op_add_pin_more(struct cell *cell)
{
	return cell_add(cell, MEMLOCK_PAGES + 1, PIN_RW);
}

static int op_add_stack(struct cell *cell)
{
	return cell_add(cell, 1, PINWATCH_WATCH_F_STACK);
}

static int op_del(struct cell *cell)
{
	return try_del(cell->fd, 0);
}

static int op_repin(struct cell *cell)
{
	uint64_t generation;

	return try_repin(cell->fd, 0, &generation);
}

static int op_query(struct cell *cell)
{
	struct pinwatch_watch_query query;

	return try_query(cell->fd, 0, &query);
}

static int op_verify(struct cell *cell)
{
	struct pinwatch_watch_verify verify;

	return try_verify(cell->fd, 0, NULL, &verify);
}

static int op_stack(struct cell *cell)
{
	struct pinwatch_watch_stack stack = { .size = sizeof(stack) };
	int ret = try_ioctl(cell->fd, PINWATCH_IOC_WATCH_STACK, &stack);

	/* The watch has no stack, and the permission is checked first. */
	return ret == -ENODATA ? 0 : ret;
}

static int op_resync(struct cell *cell)
{
	struct pinwatch_gen gen;
	struct pinwatch_resync resync = {
		.size = sizeof(resync), .nr_ids = 1, .gens = (uintptr_t)&gen,
	};

	return try_ioctl(cell->fd, PINWATCH_IOC_RESYNC, &resync);
}

/* The descriptor is not bound. A caller that may open the node may attach to itself. */
static int op_attach_own(struct cell *cell)
{
	return try_attach(cell->fd, getpid());
}

static int op_attach_other(struct cell *cell)
{
	return try_attach(cell->fd, cell->other);
}

static int told(struct cell *cell)
{
	struct pinwatch_event event = read_event(cell->fd);

	if (event.flags & PINWATCH_EVENT_F_ACTOR)
		return event.tid > 0 && event.tgid > 0 ? TOLD : NONE;
	return event.tid || event.tgid || event.comm[0] ? NONE : HIDDEN;
}

static int op_actor_own(struct cell *cell)
{
	if (cell->caller == SAME_USER)
		return NONE;
	dontneed(cell->addr, page_size());
	return told(cell);
}

/* The watch and the hit belong to the other process. */
static int op_actor_other(struct cell *cell)
{
	CHECK_EQ(channel_send(cell->channel, -1), 0);
	CHECK_EQ(channel_receive(cell->channel, NULL), 0);
	return told(cell);
}

static int map(struct cell *cell, int prot)
{
	void *addr = mmap(NULL, page_size(), prot, MAP_SHARED, cell->fd, 0);

	return addr == MAP_FAILED ? -errno : 0;
}

static int op_map_read(struct cell *cell)
{
	return map(cell, PROT_READ);
}

static int op_map_write(struct cell *cell)
{
	return map(cell, PROT_READ | PROT_WRITE);
}

/* The process to which the descriptor is bound before the operation */
enum binding { FRESH, OWN, OTHERS };

static const struct operation {
	const char *name;
	int (*run)(struct cell *cell);
	enum binding binding;
	int expected[NR_CALLERS];
} operations[] = {
	{ "open", op_open, FRESH,
	  { 0, 0, 0, 0, 0, -EACCES, 0, -EACCES, 0 } },
	{ "GET_INFO", op_info, OWN, { 0 } },
	{ "GET_STATS", op_stats, OWN,
	  { 0, 0, 0, -EPERM, 0, -EPERM, -EPERM, -EPERM, -EPERM } },
	{ "WATCH_ADD", op_add, OWN,
	  { 0, 0, 0, 0, 0, 0, 0, -EXDEV, 0 } },
	{ "ADD F_PIN, all of MEMLOCK", op_add_pin, OWN,
	  { 0, 0, 0, 0, 0, 0, 0, -EXDEV, 0 } },
	{ "ADD F_PIN, more", op_add_pin_more, OWN,
	  { 0, 0, 0, 0, -ENOBUFS, -ENOBUFS, -ENOBUFS, -EXDEV, -ENOBUFS } },
	{ "ADD F_STACK", op_add_stack, OWN,
	  { 0, 0, -EPERM, 0, 0, -EPERM, -EPERM, -EXDEV, -EPERM } },
	{ "WATCH_DEL", op_del, OWN, { 0 } },
	{ "WATCH_REPIN", op_repin, OWN, { 0 } },
	{ "WATCH_QUERY", op_query, OWN, { 0 } },
	{ "WATCH_VERIFY", op_verify, OWN, { 0 } },
	{ "WATCH_STACK", op_stack, OWN,
	  { 0, 0, -EPERM, 0, 0, -EPERM, -EPERM, -EPERM, -EPERM } },
	{ "RESYNC", op_resync, OWN, { 0 } },
	{ "ATTACH, own", op_attach_own, FRESH,
	  { 0, -EPERM, 0, 0, 0, -EPERM, -EPERM, -EPERM, -EPERM } },
	{ "ATTACH, another", op_attach_other, FRESH,
	  { 0, -EPERM, 0, 0, 0, -EPERM, -EPERM, -EPERM, -EPERM } },
	{ "read, own actor", op_actor_own, OWN,
	  { TOLD, TOLD, TOLD, TOLD, TOLD, TOLD, TOLD, NONE, TOLD } },
	{ "read, another's actor", op_actor_other, OTHERS,
	  { TOLD, HIDDEN, TOLD, TOLD, TOLD, HIDDEN, HIDDEN, HIDDEN, HIDDEN } },
	{ "mmap, reading", op_map_read, OWN, { 0 } },
	{ "mmap, writing", op_map_write, OWN,
	  { -EACCES, -EACCES, -EACCES, -EACCES, -EACCES, -EACCES, -EACCES, -EACCES, -EACCES } },
};

#define NR_OPERATIONS	((int)(sizeof(operations) / sizeof(operations[0])))

static void become(int caller)
{
	static const unsigned int capabilities[] = {
		[NO_SYS_PTRACE] = CAP_SYS_PTRACE, [NO_SYSLOG] = CAP_SYSLOG,
		[NO_SYS_ADMIN] = CAP_SYS_ADMIN, [NO_IPC_LOCK] = CAP_IPC_LOCK,
	};

	credentials_memlock(MEMLOCK_PAGES * page_size());
	if (caller >= NO_SYS_PTRACE && caller <= NO_IPC_LOCK)
		credentials_without(capabilities[caller]);
	else if (caller == NAMESPACE)
		credentials_namespace();
	else if (caller != ROOT)
		credentials_nobody();
}

static void other_run(int channel, char *addr) __attribute__((noreturn));
static void other_run(int channel, char *addr)
{
	while (!channel_receive(channel, NULL)) {
		dontneed(addr, page_size());
		CHECK_EQ(channel_send(channel, -1), 0);
	}
	_exit(0);
}

/* Start another process with the same credentials, with a watch on @cell->fd if requested. */
static void other_start(struct cell *cell, enum binding binding)
{
	cell->other_addr = map_pages(1);
	cell->other = fork_peer(&cell->channel);
	if (!cell->other) {
		if (binding == OTHERS) {
			CHECK_EQ(try_bind(cell->fd), 0);
			add(cell->fd, cell->other_addr, page_size(), WATCH, 0);
		}
		CHECK_EQ(channel_send(cell->channel, -1), 0);
		other_run(cell->channel, cell->other_addr);
	}
	CHECK_EQ(channel_receive(cell->channel, NULL), 0);
}

/* Open the descriptor, as root unless the caller is OPENED, and bind the descriptor. */
static void cell_prepare(struct cell *cell, const struct operation *operation)
{
	cell->addr = map_pages(1);
	/* OPENED needs a node with mode 0666. The other callers use the descriptor of root. */
	credentials_device_mode(cell->caller == OPENED ? 0666 : 0600);
	if (cell->caller != OPENED)
		cell->fd = open_device(O_NONBLOCK);
	become(cell->caller);
	if (cell->caller == OPENED)
		cell->fd = open_device(O_NONBLOCK);
	other_start(cell, operation->binding);
	if (operation->binding == OWN)
		add(cell->fd, cell->addr, page_size(), WATCH, 0);
}

/* A process with the descriptor of another process of the same user */
static void same_user_run(struct cell *cell, const struct operation *operation, int *result)
{
	pid_t pid = fork_child();

	if (!pid) {
		*result = operation->run(cell);
		_exit(0);
	}
	wait_child(pid);
}

static int cell_run(int caller, const struct operation *operation)
{
	int *result = mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int found;
	pid_t pid;

	CHECK(result != MAP_FAILED);
	*result = NONE;
	pid = fork_child();
	if (!pid) {
		struct cell cell = { .caller = caller, .fd = -1 };

		cell_prepare(&cell, operation);
		if (caller == SAME_USER)
			same_user_run(&cell, operation, result);
		else
			*result = operation->run(&cell);
		close(cell.channel);
		wait_child(cell.other);
		_exit(0);
	}
	wait_child(pid);
	credentials_device_mode(0600);
	found = *result;
	munmap(result, sizeof(*result));
	return found;
}

static const char *word(const struct operation *operation, int value)
{
	if (operation->run == op_actor_own || operation->run == op_actor_other) {
		if (value == TOLD)
			return "told";
		return value == HIDDEN ? "hidden" : value == NONE ? "-" : strerrorname_np(-value);
	}
	return value ? strerrorname_np(-value) ?: "?" : "ok";
}

static bool row_run(const struct operation *operation)
{
	char line[256];
	int caller, length = snprintf(line, sizeof(line), "%-26s", operation->name);
	bool good = true;

	for (caller = 0; caller < NR_CALLERS; caller++) {
		int found = cell_run(caller, operation);
		bool same = found == operation->expected[caller];

		good = good && same;
		length += snprintf(line + length, sizeof(line) - (size_t)length, " %-8s%s",
				   word(operation, found), same ? "" : "!");
	}
	test_note("%s", line);
	return good;
}

TEST(permission_table)
{
	char line[256];
	int i, length = snprintf(line, sizeof(line), "%-26s", "");
	bool good = true;

	for (i = 0; i < NR_CALLERS; i++)
		length += snprintf(line + length, sizeof(line) - (size_t)length, " %-8s",
				   callers[i]);
	test_note("%s", line);
	for (i = 0; i < NR_OPERATIONS; i++)
		good = row_run(&operations[i]) && good;
	CHECK(good);
}
