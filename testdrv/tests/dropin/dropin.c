// SPDX-License-Identifier: MIT
/* dropin: the device reads and writes memory after each kind of change of the memory. */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "dropin.h"
#include "test.h"

#define MIRROR_NODE	"/dev/hmm_dmirror0"
#define ROUNDS		100

int mirror_open(void)
{
	int fd = open(MIRROR_NODE, O_RDWR | O_CLOEXEC);

	CHECK(fd >= 0);
	return fd;
}

int mirror(int fd, unsigned long command, const void *addr, void *buffer, size_t npages)
{
	struct mirror_cmd cmd = {
		.addr = (uintptr_t)addr,
		.ptr = (uintptr_t)buffer,
		.npages = npages,
	};

	return ioctl(fd, command, &cmd) ? -errno : 0;
}

uint64_t mirror_word(int fd, unsigned long command, const void *addr)
{
	uint64_t page[PAGE / sizeof(uint64_t)];

	CHECK_EQ(mirror(fd, command, addr, page, 1), 0);
	return page[0];
}

void *map_pages(void *addr, size_t npages)
{
	addr = mmap(addr, npages * PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | (addr ? MAP_FIXED : 0), -1, 0);
	CHECK(addr != MAP_FAILED);
	return addr;
}

TEST(hmm_read_write)
{
	uint64_t page[PAGE / sizeof(uint64_t)] = { 0 };
	int fd = mirror_open();
	uint64_t *word = map_pages(NULL, 1);

	for (page[0] = 1; page[0] <= ROUNDS; page[0]++) {
		CHECK_EQ(mirror(fd, MIRROR_WRITE, word, page, 1), 0);
		CHECK_EQ(*word, page[0]);
		*word += 1000;
		CHECK_EQ(mirror_word(fd, MIRROR_READ, word), page[0] + 1000);
		CHECK_EQ(mirror_word(fd, MIRROR_READ_UNLOCKED, word), page[0] + 1000);
	}
}

TEST(hmm_after_dontneed)
{
	int fd = mirror_open();
	uint64_t *word = map_pages(NULL, 1), i;

	for (i = 1; i <= ROUNDS; i++) {
		unsigned long command = i % 2 ? MIRROR_READ : MIRROR_READ_UNLOCKED;

		*word = i;
		CHECK_EQ(mirror_word(fd, command, word), i);
		CHECK(!madvise(word, PAGE, MADV_DONTNEED));
		CHECK_EQ(mirror_word(fd, command, word), 0);
	}
}

TEST(hmm_after_munmap)
{
	uint64_t page[PAGE / sizeof(uint64_t)], i;
	int fd = mirror_open();
	uint64_t *word = map_pages(NULL, 1);

	for (i = 1; i <= ROUNDS; i++) {
		*word = i;
		CHECK_EQ(mirror_word(fd, MIRROR_READ, word), i);
		CHECK(!munmap(word, PAGE));
		CHECK_EQ(mirror(fd, MIRROR_READ, word, page, 1), -EFAULT);
		CHECK_EQ(mirror(fd, MIRROR_READ_UNLOCKED, word, page, 1), -EFAULT);
		map_pages(word, 1);
		CHECK_EQ(mirror_word(fd, MIRROR_READ_UNLOCKED, word), 0);
	}
}

TEST(hmm_after_mremap)
{
	uint64_t page[PAGE / sizeof(uint64_t)];
	uint64_t *from = map_pages(NULL, 1), *to = map_pages(NULL, 1);
	int fd = mirror_open();

	*from = 1;
	*to = 2;
	CHECK_EQ(mirror_word(fd, MIRROR_READ, from), 1);
	CHECK_EQ(mirror_word(fd, MIRROR_READ, to), 2);
	CHECK(mremap(from, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	CHECK_EQ(mirror_word(fd, MIRROR_READ, to), 1);
	CHECK_EQ(mirror(fd, MIRROR_READ, from, page, 1), -EFAULT);
}

/* Parent and child share a page until the parent writes, and gets a copy. */
TEST(hmm_after_cow)
{
	uint64_t *word = map_pages(NULL, 1), i;
	int fd = mirror_open(), pipefd[2], status;
	char c = 0;
	pid_t pid;

	CHECK(!pipe(pipefd));
	for (i = 0; i < ROUNDS; i += 2) {
		*word = i;
		CHECK_EQ(mirror_word(fd, MIRROR_READ, word), i);
		pid = fork();
		if (!pid)
			_exit(read(pipefd[0], &c, 1) != 1 || *word != i);
		CHECK(pid > 0);
		CHECK_EQ(mirror_word(fd, MIRROR_READ, word), i);
		*word = i + 1;
		CHECK_EQ(mirror_word(fd, MIRROR_READ, word), i + 1);
		CHECK_EQ(write(pipefd[1], &c, 1), 1);
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK_EQ(status, 0);
	}
}

TEST(hmm_after_mprotect)
{
	uint64_t page[PAGE / sizeof(uint64_t)] = { 7 };
	uint64_t *word = map_pages(NULL, 1);
	int fd = mirror_open();

	CHECK_EQ(mirror(fd, MIRROR_WRITE, word, page, 1), 0);
	CHECK(!mprotect(word, PAGE, PROT_READ));
	CHECK_EQ(mirror(fd, MIRROR_WRITE, word, page, 1), -EPERM);
	CHECK_EQ(mirror_word(fd, MIRROR_READ, word), 7);
	CHECK(!mprotect(word, PAGE, PROT_NONE));
	CHECK_EQ(mirror(fd, MIRROR_READ, word, page, 1), -EFAULT);
}

TEST(hmm_snapshot)
{
	unsigned char perm[4] = { 0xee, 0xee, 0xee, 0xee };
	int fd = mirror_open();
	char *pages = map_pages(NULL, 4);

	CHECK(!madvise(pages, 4 * PAGE, MADV_NOHUGEPAGE));
	pages[PAGE] = 1;
	CHECK_EQ(*(volatile char *)(pages + 2 * PAGE), 0);
	pages[3 * PAGE] = 1;
	CHECK(!mprotect(pages + 3 * PAGE, PAGE, PROT_READ));
	CHECK_EQ(mirror(fd, MIRROR_SNAPSHOT, pages, perm, 4), 0);
	CHECK_EQ(perm[0], MIRROR_PROT_NONE);
	CHECK_EQ(perm[1], MIRROR_PROT_WRITE);
	CHECK_EQ(perm[2] & (MIRROR_PROT_READ | MIRROR_PROT_ZERO), perm[2]);
	CHECK(perm[2]);
	CHECK_EQ(perm[3], MIRROR_PROT_READ);
}

/* The driver migrates the page; the callback ignores migrations of the driver. */
TEST(hmm_migrate)
{
	uint64_t *word = map_pages(NULL, 1), page[PAGE / sizeof(uint64_t)], i;
	int fd = mirror_open();

	CHECK(!madvise(word, PAGE, MADV_NOHUGEPAGE));
	for (i = 1; i <= ROUNDS; i++) {
		*word = i;
		CHECK_EQ(mirror(fd, MIRROR_TO_DEVICE, word, page, 1), 0);
		CHECK_EQ(page[0], i);
		CHECK_EQ(mirror_word(fd, MIRROR_READ, word), i);
		CHECK_EQ(*word, i);	/* migrates the page back */
		*word = i + 1;
		CHECK_EQ(mirror_word(fd, MIRROR_READ, word), i + 1);
	}
}

TEST(hmm_exclusive)
{
	uint64_t *word = map_pages(NULL, 1), page[PAGE / sizeof(uint64_t)], i;
	int fd = mirror_open();

	CHECK(!madvise(word, PAGE, MADV_NOHUGEPAGE));
	for (i = 1; i <= ROUNDS; i++) {
		*word = i;
		CHECK_EQ(mirror(fd, MIRROR_EXCLUSIVE, word, page, 1), 0);
		CHECK_EQ(page[0], i);
		*word = i + 1;		/* ends the exclusive access */
		CHECK_EQ(mirror_word(fd, MIRROR_READ, word), i + 1);
	}
}

static void *resolve(void *arg)
{
	uint64_t page[PAGE / sizeof(uint64_t)] = { 42 };
	struct uffdio_copy copy = { .src = (uintptr_t)page, .len = PAGE };
	int uffd = *(int *)arg;
	struct uffd_msg msg;

	CHECK_EQ(read(uffd, &msg, sizeof(msg)), sizeof(msg));
	copy.dst = msg.arg.pagefault.address & ~(PAGE - 1);
	CHECK(!ioctl(uffd, UFFDIO_COPY, &copy));
	return NULL;
}

/* Only MIRROR_READ_UNLOCKED supports a fault that drops the mmap lock. */
TEST(hmm_userfault)
{
	uint64_t *word = map_pages(NULL, 1);
	struct uffdio_register reg = {
		.range = { .start = (uintptr_t)word, .len = PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	struct uffdio_api api = { .api = UFFD_API };
	int fd = mirror_open(), uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	pthread_t thread;

	if (uffd < 0)
		SKIP("userfaultfd(2): %s", strerror(errno));
	CHECK(!ioctl(uffd, UFFDIO_API, &api));
	CHECK(!ioctl(uffd, UFFDIO_REGISTER, &reg));
	CHECK(!pthread_create(&thread, NULL, resolve, &uffd));
	CHECK_EQ(mirror_word(fd, MIRROR_READ_UNLOCKED, word), 42);
	CHECK(!pthread_join(thread, NULL));
}

static void send_fd(int sock, int fd)
{
	char control[CMSG_SPACE(sizeof(fd))] = { 0 }, byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	CHECK_EQ(sendmsg(sock, &msg, 0), 1);
}

static int receive_fd(int sock)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	int fd;

	CHECK_EQ(recvmsg(sock, &msg, 0), 1);
	CHECK(CMSG_FIRSTHDR(&msg));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

/* The device outlives the process whose memory it mirrors. */
TEST(hmm_dead_mm)
{
	uint64_t *word = map_pages(NULL, 1), page[PAGE / sizeof(uint64_t)];
	int pair[2], fd, status;
	pid_t pid;

	CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	pid = fork();
	if (!pid) {
		fd = mirror_open();
		*word = 3;
		CHECK_EQ(mirror_word(fd, MIRROR_READ, word), 3);
		send_fd(pair[1], fd);
		_exit(0);
	}
	fd = receive_fd(pair[0]);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	CHECK_EQ(mirror(fd, MIRROR_READ, word, page, 1), -EFAULT);
	CHECK_EQ(mirror(fd, MIRROR_READ_UNLOCKED, word, page, 1), -EFAULT);
	CHECK_EQ(mirror(fd, MIRROR_SNAPSHOT, word, page, 1), -EINVAL);
	CHECK(!close(fd));
}
