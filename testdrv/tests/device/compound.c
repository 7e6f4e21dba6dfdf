// SPDX-License-Identifier: MIT
/*
 * Pins of compound pages: transparent huge pages, hugetlb pages, large folios of files. A
 * pin of a part of a compound page holds the whole compound page. The limits count the
 * compound page whole, and once in an address space. VmPin shows what they count.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel.h"
#include "credentials.h"
#include "device.h"
#include "sysfs.h"

#define HUGE		(2UL << 20)
#define HUGE_PAGES	512UL
#define THP		"/sys/kernel/mm/transparent_hugepage/"
#define NR_HUGEPAGES	"/proc/sys/vm/nr_hugepages"
#define TMPFS		"/tmp/pinwatch_compound"

#define KPF_COMPOUND_HEAD	15
#define KPF_COMPOUND_TAIL	16

/* What /proc/self/status says that the process has pinned, in pages. */
static unsigned long vm_pin(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	unsigned long kib = 0;
	char line[128];

	CHECK(file);
	while (fgets(line, sizeof(line), file) && sscanf(line, "VmPin: %lu", &kib) != 1)
		;
	fclose(file);
	return (kib << 10) / page_size();
}

static void check_charged(unsigned long nr_pages)
{
	CHECK_EQ(vm_pin(), nr_pages);
}

/* An aligned range of address space without memory, and a guard around the range. */
static char *reserve(size_t length)
{
	char *addr = mmap(NULL, length + 2 * HUGE, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK(addr != MAP_FAILED);
	return (char *)(((uintptr_t)addr + HUGE) & ~(HUGE - 1));
}

static void map_at(char *addr, size_t length, int flags, int fd)
{
	CHECK(mmap(addr, length, PROT_READ | PROT_WRITE, MAP_FIXED | flags, fd, 0) == addr);
}

/* Map @nr transparent huge pages at @addr. */
static void map_thp_at(char *addr, size_t nr)
{
	if (sysfs_write(THP "enabled", "madvise"))
		SKIP("no transparent huge pages");
	map_at(addr, nr * HUGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	CHECK_EQ(madvise(addr, nr * HUGE, MADV_HUGEPAGE), 0);
	memset(addr, 'h', nr * HUGE);
}

static char *map_thp(size_t nr)
{
	char *addr = reserve(nr * HUGE);

	map_thp_at(addr, nr);
	return addr;
}

static void map_small_at(char *addr, size_t nr_pages)
{
	map_at(addr, nr_pages * page_size(), MAP_PRIVATE | MAP_ANONYMOUS, -1);
	madvise(addr, nr_pages * page_size(), MADV_NOHUGEPAGE);
	memset(addr, 's', nr_pages * page_size());
}

/* Map a huge page of a file in a tmpfs at @addr. */
static void map_file_at(char *addr)
{
	int fd;

	if (mkdir(TMPFS, 0700) && errno != EEXIST)
		FAIL(TMPFS ": %s", strerror(errno));
	if (mount("tmpfs", TMPFS, "tmpfs", 0, "huge=always"))
		SKIP("no huge pages in tmpfs: %s", strerror(errno));
	fd = open(TMPFS "/file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	CHECK_EQ(ftruncate(fd, HUGE), 0);
	map_at(addr, HUGE, MAP_SHARED, fd);
	/* Without it, the fault takes small pages when no huge page is free. */
	CHECK_EQ(madvise(addr, HUGE, MADV_HUGEPAGE), 0);
	memset(addr, 'f', HUGE);
	close(fd);
	CHECK_EQ(umount2(TMPFS, MNT_DETACH), 0);
}

static struct pinwatch_watch_add last;	/* of try_pin() */

static int try_pin(int fd, char *addr, size_t nr_pages)
{
	return try_add(fd, addr, nr_pages * page_size(), PIN_RW, 0, &last);
}

static void nobody_with(size_t nr_pages)
{
	credentials_memlock(nr_pages * page_size());
	credentials_nobody();
}

TEST(compound_thp_charged_whole)
{
	char *addr = map_thp(1);
	int fd = open_device(0);

	nobody_with(HUGE_PAGES - 1);
	CHECK_EQ(try_pin(fd, addr, 1), -ENOBUFS);
	check_charged(0);
	CHECK_EQ(get_info(fd).nr_watches, 0);
}

/* The address space keeps one page of each huge page. */
TEST(compound_thp_discarded)
{
	char *addr = map_thp(4);
	int fd = open_device(0), i;

	nobody_with(2 * HUGE_PAGES);
	for (i = 0; i < 2; i++) {
		CHECK_EQ(try_pin(fd, addr + i * HUGE, 1), 0);
		dontneed(addr + i * HUGE + page_size(), HUGE - page_size());
	}
	check_charged(2 * HUGE_PAGES);
	CHECK_EQ(try_pin(fd, addr + 2 * HUGE, 1), -ENOBUFS);
	CHECK_EQ(try_del(fd, 0), 0);
	check_charged(HUGE_PAGES);
	CHECK_EQ(try_pin(fd, addr + 2 * HUGE, 1), 0);
}

static void shuffle(uint32_t *ids, unsigned int nr, uint64_t *random)
{
	unsigned int i;

	for (i = nr - 1; i; i--) {
		uint32_t j = random_below(random, i + 1), id = ids[i];

		ids[i] = ids[j];
		ids[j] = id;
	}
}

/* As many watches as the huge page has pages, on two descriptors, deleted in any order. */
TEST(compound_512_watches_cost_one)
{
	uint64_t random = test_seed(), unused;
	uint32_t ids[HUGE_PAGES];
	char *addr = map_thp(2);
	unsigned int i;
	int fd[2];

	fd[0] = open_device(0);
	fd[1] = open_device(0);
	nobody_with(HUGE_PAGES);
	for (i = 0; i < HUGE_PAGES; i++) {
		CHECK_EQ(try_pin(fd[i & 1], addr + i * page_size(), 1), 0);
		ids[i] = i;
	}
	check_charged(HUGE_PAGES);
	CHECK_EQ(try_pin(fd[0], addr + HUGE, 1), -ENOBUFS);
	shuffle(ids, HUGE_PAGES, &random);
	for (i = 0; i < HUGE_PAGES; i++) {
		check_charged(HUGE_PAGES);
		if (i % 64 == 0)
			CHECK_EQ(try_repin(fd[ids[i] & 1], nth_id(ids[i] / 2), &unused), 0);
		CHECK_EQ(try_del(fd[ids[i] & 1], nth_id(ids[i] / 2)), 0);
	}
	check_charged(0);
	CHECK_EQ(try_pin(fd[0], addr + HUGE, HUGE_PAGES), 0);
	check_charged(HUGE_PAGES);
}

/* Old and new pins of the same huge page count once. */
TEST(compound_repin_at_limit)
{
	char *addr = map_thp(2);
	int fd = open_device(0);
	uint64_t unused;

	nobody_with(HUGE_PAGES);
	CHECK_EQ(try_pin(fd, addr, HUGE_PAGES), 0);
	CHECK_EQ(try_repin(fd, 0, &unused), 0);
	check_charged(HUGE_PAGES);
	/* The new pages are other pages: both count together for a moment. */
	dontneed(addr, HUGE);
	memset(addr, 'n', HUGE);
	CHECK_EQ(try_repin(fd, 0, &unused), -ENOBUFS);
	check_charged(HUGE_PAGES);
	CHECK_EQ(query(fd, 0).nr_pinned, HUGE_PAGES);
	CHECK_EQ(try_del(fd, 0), 0);
	check_charged(0);
}

/* A pin that fails at its second huge page, or at its last page, is undone. */
TEST(compound_failure_undoes)
{
	char *addr = reserve(3 * HUGE), *start = addr + HUGE - 2 * page_size();
	int fd = open_device(0);
	uint32_t first, second;

	map_thp_at(addr + HUGE, 1);
	map_small_at(start, 2);
	nobody_with(HUGE_PAGES + 3);
	CHECK_EQ(try_pin(fd, start, 2 + HUGE_PAGES + 1), -EFAULT);
	check_charged(0);
	CHECK_EQ(try_pin(fd, start, 3), 0);
	check_charged(2 + HUGE_PAGES);
	first = last.id;
	CHECK_EQ(try_pin(fd, start, 1), 0);
	second = last.id;
	CHECK_EQ(try_pin(fd, start, 3), -ENOBUFS);
	check_charged(2 + HUGE_PAGES + 1);
	CHECK_EQ(try_del(fd, second), 0);
	CHECK_EQ(try_del(fd, first), 0);
	check_charged(0);
	CHECK_EQ(try_pin(fd, start, 3), 0);
}

/* A process dies with pins of a part of a huge page; a descriptor of its watches stays. */
TEST(compound_release)
{
	uint64_t pinned = get_stats().pinned_pages;
	int fd = open_device(0), i;
	pid_t pid = fork_child();

	if (!pid) {
		char *addr = map_thp(1);

		CHECK_EQ(try_bind(fd), 0);
		for (i = 0; i < 8; i++)
			CHECK_EQ(try_pin(fd, addr + i * page_size(), 8), 0);
		CHECK_EQ(get_stats().pinned_pages, pinned + HUGE_PAGES);
		_exit(0);
	}
	wait_child(pid);
	wait_pinned_pages(pinned);
	for (i = 0; i < 8; i++)
		CHECK_EQ(try_del(fd, i), 0);
	CHECK_EQ(get_stats().pinned_pages, pinned);
}

/* The processes of a fork share the huge page. Each of the address spaces is charged. */
TEST(compound_charged_in_each_mm)
{
	char *addr = reserve(HUGE);
	int fd = open_device(0);
	pid_t pid;

	map_file_at(addr);
	CHECK_EQ(try_pin(fd, addr, 1), 0);
	check_charged(HUGE_PAGES);
	pid = fork_child();
	if (!pid) {
		int own = open_device(0);

		check_charged(0);
		CHECK_EQ(try_pin(own, addr, 1), 0);
		CHECK_EQ(try_pin(own, addr + page_size(), 1), 0);
		check_charged(HUGE_PAGES);
		_exit(0);
	}
	wait_child(pid);
	check_charged(HUGE_PAGES);
}

static void map_hugetlb_at(char *addr)
{
	if (sysfs_set(NR_HUGEPAGES, "2") || sysfs_read(NR_HUGEPAGES) < 2)
		SKIP("no hugetlb pages");
	map_at(addr, HUGE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1);
	memset(addr, 't', HUGE);
}

TEST(compound_hugetlb)
{
	char *addr = reserve(HUGE);
	int fd = open_device(0);

	map_hugetlb_at(addr);
	CHECK_EQ(try_pin(fd, addr + 8 * page_size(), 16), 0);
	check_charged(HUGE_PAGES);
	CHECK_EQ(try_pin(fd, addr, HUGE_PAGES), 0);
	check_charged(HUGE_PAGES);
	CHECK_EQ(try_del(fd, 0), 0);
	check_charged(HUGE_PAGES);
	CHECK_EQ(munmap(addr, HUGE), 0);
	CHECK_EQ(try_del(fd, 1), 0);
	check_charged(0);
	sysfs_restore();
}

#define MODEL_PAGES	(5 * HUGE_PAGES)
#define MODEL_WATCHES	12U

/* The range of the test, its compound pages, and its watches. */
static struct model {
	char *addr;
	int fd;
	int compound[MODEL_PAGES];	/* index of the compound page of each page, or -1 */
	unsigned int nr_compounds;
	struct { uint64_t head, size; } compounds[MODEL_PAGES];
	struct { bool used; uint32_t id; size_t first, nr; } watches[MODEL_WATCHES];
} model;

static uint64_t word_at(int fd, uint64_t index)
{
	uint64_t word;

	CHECK_EQ(pread(fd, &word, sizeof(word), (off_t)(index * sizeof(word))), sizeof(word));
	return word;
}

static bool has_flag(int flags, uint64_t frame, unsigned int bit)
{
	return word_at(flags, frame) >> bit & 1;
}

/* The index of the compound page with @frame, which may be new. -1: a base page. */
static int model_compound(int flags, uint64_t frame)
{
	uint64_t end = frame + 1;
	unsigned int i;

	for (i = 0; i < model.nr_compounds; i++)
		if (frame - model.compounds[i].head < model.compounds[i].size)
			return (int)i;
	if (!has_flag(flags, frame, KPF_COMPOUND_HEAD) &&
	    !has_flag(flags, frame, KPF_COMPOUND_TAIL))
		return -1;
	while (!has_flag(flags, frame, KPF_COMPOUND_HEAD))
		frame--;
	while (has_flag(flags, end, KPF_COMPOUND_TAIL))
		end++;
	model.compounds[i].head = frame;
	model.compounds[i].size = end - frame;
	model.nr_compounds++;
	return (int)i;
}

static void model_scan(void)
{
	int map = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	int flags = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	uint64_t entry;
	unsigned int i;

	if (map < 0 || flags < 0)
		SKIP("no /proc/self/pagemap or /proc/kpageflags");
	for (i = 0; i < MODEL_PAGES; i++) {
		entry = word_at(map, (uintptr_t)model.addr / page_size() + i);
		CHECK(entry >> 63);
		model.compound[i] = model_compound(flags, entry & ((1ULL << 55) - 1));
	}
	close(map);
	close(flags);
}

/* Base pages count for each watch, each compound page counts once. */
static unsigned long model_charge(void)
{
	bool held[MODEL_PAGES] = {};
	unsigned long charge = 0;
	unsigned int i;
	size_t page;

	for (i = 0; i < MODEL_WATCHES; i++) {
		if (!model.watches[i].used)
			continue;
		for (page = 0; page < model.watches[i].nr; page++) {
			int index = model.compound[model.watches[i].first + page];

			if (index >= 0 && held[index])
				continue;
			charge += index < 0 ? 1 : model.compounds[index].size;
			if (index >= 0)
				held[index] = true;
		}
	}
	return charge;
}

static void model_step(uint64_t *random)
{
	unsigned int i = random_below(random, MODEL_WATCHES);
	size_t first = random_below(random, MODEL_PAGES);
	uint64_t unused;

	if (model.watches[i].used && random_below(random, 3) == 0) {
		CHECK_EQ(try_repin(model.fd, model.watches[i].id, &unused), 0);
	} else if (model.watches[i].used) {
		CHECK_EQ(try_del(model.fd, model.watches[i].id), 0);
		model.watches[i].used = false;
	} else {
		size_t nr = 1 + random_below(random, random_below(random, 2) ? 100 : MODEL_PAGES);

		if (nr > MODEL_PAGES - first)
			nr = MODEL_PAGES - first;
		model.watches[i].id = add(model.fd, model.addr + first * page_size(),
					  nr * page_size(), PIN_RW, 0).id;
		model.watches[i].first = first;
		model.watches[i].nr = nr;
		model.watches[i].used = true;
	}
}

/* Small pages, transparent huge pages, a huge page of a file, a hugetlb page: in a row. */
TEST(compound_random_against_model)
{
	uint64_t random = test_seed();
	int i;

	model.addr = reserve(MODEL_PAGES * page_size());
	model.fd = open_device(0);
	map_thp_at(model.addr, 2);
	map_small_at(model.addr + 2 * HUGE, HUGE_PAGES);
	map_file_at(model.addr + 3 * HUGE);
	map_hugetlb_at(model.addr + 4 * HUGE);
	model_scan();
	test_note("%u compound pages", model.nr_compounds);
	CHECK(model.nr_compounds >= 4);
	for (i = 0; i < 300; i++) {
		model_step(&random);
		check_charged(model_charge());
	}
	close(model.fd);
	check_charged(0);
	munmap(model.addr, MODEL_PAGES * page_size());
	sysfs_restore();
}
