// SPDX-License-Identifier: MIT
/*
 * mr_remap MODE: a program that registers memory with plain verbs, changes the mapping in
 * the way that MODE names, and posts the memory. guest_test.c runs it under pinwatch mr.
 */
#include <fcntl.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <infiniband/verbs.h>

#define LENGTH		65536UL
#define NR_THREADS	4
#define NR_ROUNDS	50

struct endpoint {
	struct ibv_context *context;
	struct ibv_pd *pd;
	struct ibv_cq *cq;
	struct ibv_qp *qp;
};

static struct endpoint endpoint;
static char *program;

#define REQUIRE(condition) do {						\
	if (!(condition)) {						\
		fprintf(stderr, "mr_remap: %d: %s\n", __LINE__, #condition); \
		exit(99);						\
	}								\
} while (0)

static void context_open(void)
{
	int nr;
	struct ibv_device **list = ibv_get_device_list(&nr);

	REQUIRE(list && nr > 0);
	endpoint.context = ibv_open_device(list[0]);
	REQUIRE(endpoint.context);
	ibv_free_device_list(list);
}

/* A queue pair that takes receive requests; it needs no peer for them. */
static void endpoint_open(void)
{
	struct ibv_qp_init_attr init = {
		.cap = { .max_send_wr = 16, .max_recv_wr = 256, .max_send_sge = 1,
			 .max_recv_sge = 1 },
		.qp_type = IBV_QPT_RC,
	};
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_INIT, .port_num = 1 };

	context_open();
	endpoint.pd = ibv_alloc_pd(endpoint.context);
	endpoint.cq = ibv_create_cq(endpoint.context, 512, NULL, NULL, 0);
	REQUIRE(endpoint.pd && endpoint.cq);
	init.send_cq = endpoint.cq;
	init.recv_cq = endpoint.cq;
	endpoint.qp = ibv_create_qp(endpoint.pd, &init);
	REQUIRE(endpoint.qp);
	REQUIRE(!ibv_modify_qp(endpoint.qp, &attr, IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT |
			       IBV_QP_ACCESS_FLAGS));
}

static struct ibv_mr *buffer_register(char *addr)
{
	struct ibv_mr *mr = ibv_reg_mr(endpoint.pd, addr, LENGTH, IBV_ACCESS_LOCAL_WRITE);

	REQUIRE(mr);
	return mr;
}

static void buffer_post(const struct ibv_mr *mr)
{
	struct ibv_sge sge = { .addr = (uintptr_t)mr->addr, .length = 64, .lkey = mr->lkey };
	struct ibv_recv_wr *bad, wr = { .sg_list = &sge, .num_sge = 1 };

	REQUIRE(!ibv_post_recv(endpoint.qp, &wr, &bad));
}

static char *memory_map(void *addr, int flags, int fd)
{
	char *memory = mmap(addr, LENGTH, PROT_READ | PROT_WRITE, flags, fd, 0);

	REQUIRE(memory != MAP_FAILED);
	return memory;
}

static char *memory_new(void)
{
	char *memory = memory_map(NULL, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	memset(memory, 1, LENGTH);
	return memory;
}

/* As a runtime does that does not call the C library. */
static void memory_exchange(char *memory)
{
	REQUIRE(!syscall(SYS_munmap, memory, LENGTH));
	REQUIRE(syscall(SYS_mmap, memory, LENGTH, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == (long)memory);
	memset(memory, 2, LENGTH);
}

static void child_wait(pid_t pid)
{
	int status;

	REQUIRE(pid > 0 && waitpid(pid, &status, 0) == pid && !status);
}

static void mode_keep(void)
{
	char *memory = memory_new();
	struct ibv_mr *mr = buffer_register(memory);
	pid_t pid;

	buffer_post(mr);
	REQUIRE(!mprotect(memory, LENGTH, PROT_READ));
	REQUIRE(!mprotect(memory, LENGTH, PROT_READ | PROT_WRITE));
	pid = fork();
	if (!pid)
		_exit(0);
	child_wait(pid);
	/* Linux 5.10 copies pinned pages at this write, and pinwatch mr reports the exchange. */
	memset(memory, 3, LENGTH);
	buffer_post(mr);
	REQUIRE(!ibv_dereg_mr(mr));
	memory_exchange(memory);
	/* The registration itself exchanges pages that were only read until then. */
	memory = memory_map(NULL, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	for (size_t i = 0; i < LENGTH; i += 4096)
		(void)*(volatile char *)(memory + i);
	mr = buffer_register(memory);
	buffer_post(mr);
	REQUIRE(!ibv_dereg_mr(mr));
}

static void mode_munmap(void)
{
	char *memory = memory_new();
	struct ibv_mr *mr = buffer_register(memory);

	memory_exchange(memory);
	buffer_post(mr);
	buffer_post(mr);
	REQUIRE(!ibv_dereg_mr(mr));
}

static void mode_dontneed(void)
{
	char *memory = memory_new();
	struct ibv_mr *mr = buffer_register(memory);

	REQUIRE(!madvise(memory, 4096, MADV_DONTNEED));
	REQUIRE(!ibv_dereg_mr(mr));
}

/* Another process punches a hole into the file. */
static void mode_punch(void)
{
	int fd = memfd_create("remap", 0);
	struct ibv_mr *mr;
	char *memory;
	pid_t pid;

	REQUIRE(fd >= 0 && !ftruncate(fd, LENGTH));
	memory = memory_map(NULL, MAP_SHARED, fd);
	memset(memory, 1, LENGTH);
	mr = buffer_register(memory);
	pid = fork();
	if (!pid) {
		munmap(memory, LENGTH);
		_exit(!!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, LENGTH));
	}
	printf("puncher %d\n", pid);
	child_wait(pid);
	buffer_post(mr);
	REQUIRE(!ibv_dereg_mr(mr));
}

static void mode_killed(void)
{
	char *memory = memory_new();
	struct ibv_mr *mr = buffer_register(memory);

	memory_exchange(memory);
	buffer_post(mr);
	raise(SIGKILL);
}

static void mode_exit(void)
{
	char *memory = memory_new();

	buffer_register(memory);
	memory_exchange(memory);
	_exit(7);
}

/* The descriptors of the preload are closed, but not those of libibverbs. */
static void mode_closed(void)
{
	char *memory = memory_new();
	struct ibv_mr *mr = buffer_register(memory);

	REQUIRE(!syscall(SYS_close_range, 512, ~0U, 0));
	memory_exchange(memory);
	buffer_post(mr);
	mode_munmap();
	REQUIRE(!ibv_dereg_mr(mr));
}

static void mode_exec(void)
{
	char *argv[] = { program, (char *)"munmap", NULL };

	buffer_register(memory_new());
	execv("/proc/self/exe", argv);
}

/* The child has registrations of its own. */
static void mode_child(void)
{
	struct ibv_mr *mr = buffer_register(memory_new());
	pid_t pid = fork();

	if (!pid) {
		endpoint_open();
		mode_munmap();
		_exit(0);
	}
	child_wait(pid);
	buffer_post(mr);
	REQUIRE(!ibv_dereg_mr(mr));
}

static void *thread_register(void *arg)
{
	char *memory = memory_new();
	int i;

	for (i = 0; i < NR_ROUNDS; i++) {
		struct ibv_mr *mr = buffer_register(memory);

		REQUIRE(!ibv_dereg_mr(mr));
		memory_exchange(memory);
	}
	return arg;
}

static void mode_threads(void)
{
	pthread_t threads[NR_THREADS];
	int i;

	for (i = 0; i < NR_THREADS; i++)
		REQUIRE(!pthread_create(&threads[i], NULL, thread_register, NULL));
	for (i = 0; i < NR_THREADS; i++)
		REQUIRE(!pthread_join(threads[i], NULL));
}

static const struct mode {
	const char *name;
	void (*run)(void);
} modes[] = {
	{ "keep", mode_keep },
	{ "munmap", mode_munmap },
	{ "dontneed", mode_dontneed },
	{ "punch", mode_punch },
	{ "killed", mode_killed },
	{ "exit", mode_exit },
	{ "closed", mode_closed },
	{ "exec", mode_exec },
	{ "child", mode_child },
	{ "threads", mode_threads },
};

int main(int argc, char **argv)
{
	size_t i;

	setbuf(stdout, NULL);
	program = argv[0];
	for (i = 0; argc == 2 && i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(modes[i].name, argv[1]) != 0)
			continue;
		endpoint_open();
		modes[i].run();
		return 0;
	}
	fprintf(stderr, "usage: mr_remap MODE\n");
	return 2;
}
