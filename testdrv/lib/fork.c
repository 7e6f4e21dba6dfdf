// SPDX-License-Identifier: MIT
/*
 * Handles and fork()
 *
 * A child does not inherit the mapping of the generations. Two mechanisms keep the child
 * from using what may be mapped at the same addresses:
 *
 * - After fork(), the child maps zeros at the addresses of the words of each handle. 0 is
 *   no generation, so pinwatch_valid() is false. clone(2) and vfork(2) without the
 *   library's knowledge, and _Fork(3), do not do so.
 * - A page that the kernel zeroes in every child holds the number of the process. A handle
 *   is mapped in the process whose number it has. A PID would not do: in a new PID
 *   namespace, the child may have the PID of its parent.
 */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "handle.h"

/* Protects the following variables. A thread that forks holds the lock meanwhile. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct pinwatch *handles;	/* opened in this process and not closed */
static uint64_t last_process;		/* number given out last, here or in an ancestor */

/*
 * Atomic. Number of this process: 0 until the process opens its first handle, then
 * constant. pw_fork_owns() reads the number without the lock.
 */
static uint64_t *process;
static int handlers_error;		/* constant after the constructor */

static void fork_prepare(void)
{
	pthread_mutex_lock(&lock);
}

static void fork_parent(void)
{
	pthread_mutex_unlock(&lock);
}

/*
 * The handler of another library may have mapped memory at the words already: that memory
 * must stay, so MAP_FIXED is too strong. The function must be async-signal-safe.
 */
static void words_zero(const struct pinwatch *dev)
{
	(void)mmap((void *)dev->words, dev->map_size, PROT_READ,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
}

static void fork_child(void)
{
	struct pinwatch *dev;

	for (dev = handles; dev; dev = dev->next) {
		words_zero(dev);
		dev->listed = false;
	}
	handles = NULL;
	pthread_mutex_unlock(&lock);
}

/*
 * The constructor runs before a thread can fork. A later call of pthread_atfork() under
 * @lock would deadlock with glibc before 2.36, which runs fork_prepare() under its own lock.
 * glibc removes the handlers when the library is unloaded.
 */
__attribute__((constructor)) static void handlers_register(void)
{
	handlers_error = pthread_atfork(fork_prepare, fork_parent, fork_child);
}

static int page_map(void)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int ret;

	if (page == MAP_FAILED)
		return -errno;
	if (madvise(page, size, MADV_WIPEONFORK)) {
		ret = -errno;
		munmap(page, size);
		return ret;
	}
	process = page;
	return 0;
}

static uint64_t process_current(void)
{
	return __atomic_load_n(process, __ATOMIC_RELAXED);
}

/* Give this process a number unless it has one. Caller holds the lock. */
static int process_number(void)
{
	int ret = process ? 0 : page_map();

	if (!ret && !process_current())
		__atomic_store_n(process, ++last_process, __ATOMIC_RELAXED);
	return ret;
}

int pw_fork_insert(struct pinwatch *dev)
{
	int ret;

	if (handlers_error)
		return -handlers_error;
	pthread_mutex_lock(&lock);
	ret = process_number();
	if (!ret)
		dev->process = process_current();
	/* In a child by clone(), the handle of the parent is in the list. */
	if (!ret && !dev->listed) {
		dev->listed = true;
		dev->next = handles;
		handles = dev;
	}
	pthread_mutex_unlock(&lock);
	return ret;
}

bool pw_fork_owns(const struct pinwatch *dev)
{
	return dev->process == process_current();
}

void pw_fork_remove(struct pinwatch *dev)
{
	struct pinwatch **link;

	pthread_mutex_lock(&lock);
	for (link = &handles; *link != dev; link = &(*link)->next)
		;
	*link = dev->next;
	dev->listed = false;
	pthread_mutex_unlock(&lock);
}
