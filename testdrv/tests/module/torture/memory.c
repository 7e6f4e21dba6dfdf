// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch_torture: the region, its pages and their stamps
 *
 * The region consists of blocks. Every other block maps a file of its own in tmpfs: to punch a
 * hole takes no mmap lock, so several invalidations are in flight at a time. The other blocks
 * are private anonymous memory, which munmap() and mmap() replace.
 */
#include <linux/err.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/uaccess.h>
#include "torture.h"

static unsigned int nr_blocks = 8;
module_param(nr_blocks, uint, 0444);
MODULE_PARM_DESC(nr_blocks, "blocks of 8 pages in the region, 2 to 64 (8)");

static char *tmpfs = "/dev/shm";
module_param(tmpfs, charp, 0444);
MODULE_PARM_DESC(tmpfs, "directory of a tmpfs, for files without a name (/dev/shm)");

/**
 * struct pt_page - times and generation of a page of the region, which readers look at
 * @unmapped: See struct pt_seen.
 * @stamped: See struct pt_seen.
 * @generation: Of the last stamp. Under pt_block.lock.
 * @unmapping: munmap() is under way: the value that @unmapped gets; otherwise 0.
 */
struct pt_page {
	u64 unmapped;
	u64 stamped;
	u64 generation;
	u64 unmapping;
};

/**
 * struct pt_block - PT_BLOCK_PAGES pages
 * @lock: Held by the invalidator that replaces pages of the block. Taken outside of every lock
 *	of the mm.
 * @file: The file, or %NULL for anonymous memory.
 */
struct pt_block {
	struct mutex lock;	/* pages of the block */
	struct file *file;
};

static struct pt_block blocks[PT_MAX_BLOCKS];
static struct pt_page pages[PT_MAX_BLOCKS * PT_BLOCK_PAGES];
static unsigned long region;

#define STAMP_VALID		BIT_ULL(63)
#define STAMP_INDEX_SHIFT	48
#define STAMP_GENERATION	(BIT_ULL(STAMP_INDEX_SHIFT) - 1)

static u64 stamp_of(unsigned int index, u64 generation)
{
	return STAMP_VALID | (u64)index << STAMP_INDEX_SHIFT | generation;
}

unsigned int pt_memory_pages(void)
{
	return nr_blocks * PT_BLOCK_PAGES;
}

unsigned long pt_memory_address(unsigned int index)
{
	return region + index * PAGE_SIZE;
}

/* Caller holds the lock of the block, and has kthread_use_mm() or is a process. */
static int page_stamp(unsigned int index)
{
	u64 __user *word = (u64 __user *)pt_memory_address(index);
	struct pt_page *page = &pages[index];
	u64 generation = page->generation;
	int ret = put_user(stamp_of(index, generation), word);

	if (ret)
		return ret;
	/* Pairs with the acquire in pt_memory_see(): a reader that sees it sees the stamp. */
	smp_store_release(&page->stamped, generation);
	return 0;
}

/* The page with the previous generation is unmapped. */
static void page_unmapped(struct pt_page *page, u64 generation)
{
	/* Pairs with the acquire in pt_memory_see(). */
	smp_store_release(&page->unmapped, generation);
}

static int punch(struct file *file, unsigned int first, unsigned int nr)
{
	return vfs_fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			     (loff_t)first * PAGE_SIZE, (loff_t)nr * PAGE_SIZE);
}

/* Half of the time in one step, and half of the time with a time without a mapping. */
static int remap(unsigned int first, unsigned int nr)
{
	unsigned long start = pt_memory_address(first), length = nr * PAGE_SIZE, ret;

	if (pt_random(2)) {
		int err = vm_munmap(start, length);

		if (err)
			return err;
		pt_delay();
	}
	ret = vm_mmap(NULL, start, length, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0);
	return IS_ERR_VALUE(ret) ? (int)ret : 0;
}

/* Caller holds the lock of the block. */
static int pages_unmap(struct pt_block *block, unsigned int first, unsigned int nr)
{
	unsigned int i;
	int ret;

	for (i = first; i < first + nr; i++) {
		pages[i].generation++;
		WRITE_ONCE(pages[i].stamped, 0);
		WRITE_ONCE(pages[i].unmapping, block->file ? 0 : pages[i].generation);
	}
	/* Pairs with the smp_rmb() in pt_memory_check(). */
	smp_mb();
	pt_delay();
	ret = block->file ? punch(block->file, first % PT_BLOCK_PAGES, nr) : remap(first, nr);
	for (i = first; i < first + nr; i++) {
		WRITE_ONCE(pages[i].unmapping, 0);
		if (!ret)
			page_unmapped(&pages[i], pages[i].generation);
	}
	pt_count(PT_UNMAPS);
	return ret;
}

static int pages_stamp(unsigned int first, unsigned int nr)
{
	unsigned int i;
	int ret = 0;

	for (i = first; !ret && i < first + nr; i++) {
		pt_delay();
		ret = page_stamp(i);
	}
	return ret;
}

/**
 * pt_memory_unmap() - replace some pages of a block: a step of an invalidator
 *
 * Context: a kthread after kthread_use_mm(). Sleeps.
 */
void pt_memory_unmap(void)
{
	unsigned int nr, first, number = pt_random(nr_blocks);
	struct pt_block *block = &blocks[number];
	int ret;

	if (!mutex_trylock(&block->lock))
		return;
	first = pt_random(PT_BLOCK_PAGES);
	nr = 1 + pt_random(PT_BLOCK_PAGES - first);
	first += number * PT_BLOCK_PAGES;
	ret = pages_unmap(block, first, nr);
	pt_delay();
	if (!ret)
		ret = pages_stamp(first, nr);
	mutex_unlock(&block->lock);
	if (ret)
		pt_error("replacing %u pages of block %u: error %d", nr, number, ret);
}

/**
 * pt_memory_range_end() - publish that munmap() has unmapped pages
 * @range: The range of an invalidation that ends. Its pages are unmapped, or were never mapped.
 *
 * The invalidator itself could do so only when munmap() returns. A page of a file is left out:
 * a fault may map the page again before the file loses it.
 *
 * Context: invalidate_range_end().
 */
void pt_memory_range_end(const struct mmu_notifier_range *range)
{
	unsigned int i;

	if (range->event != MMU_NOTIFY_UNMAP)
		return;
	for (i = 0; i < pt_memory_pages(); i++) {
		u64 generation = READ_ONCE(pages[i].unmapping);

		if (generation && pt_memory_address(i) >= range->start &&
		    pt_memory_address(i) < range->end)
			page_unmapped(&pages[i], generation);
	}
}

/**
 * pt_memory_see() - before a read
 * @index: The page.
 * @seen: Filled in.
 */
void pt_memory_see(unsigned int index, struct pt_seen *seen)
{
	/* Pairs with the release in page_unmapped(). */
	seen->unmapped = smp_load_acquire(&pages[index].unmapped);
	/* Pairs with the release in page_stamp(). */
	seen->stamped = smp_load_acquire(&pages[index].stamped);
}

/**
 * pt_memory_check() - after a read: was the page mapped when the read began?
 * @index: The page.
 * @seen: From pt_memory_see(), before the read.
 * @word: What was read. 0: the page has no stamp yet.
 */
void pt_memory_check(unsigned int index, const struct pt_seen *seen, u64 word)
{
	u64 generation = word & STAMP_GENERATION;

	if (word && (word ^ generation) != stamp_of(index, 0)) {
		pt_error("page %u: read %#llx, which is no stamp of this page", index, word);
		return;
	}
	if (word && generation < seen->unmapped)
		pt_error("page %u: read generation %llu, unmapped before (now %llu)", index,
			 generation, seen->unmapped);
	/*
	 * Pairs with the smp_mb() in pages_unmap(): a reader that reads a newer page also sees
	 * that ->stamped has changed.
	 */
	smp_rmb();
	if (seen->stamped && generation != seen->stamped &&
	    READ_ONCE(pages[index].stamped) == seen->stamped)
		pt_error("page %u: read generation %llu, but %llu was mapped all the time", index,
			 generation, seen->stamped);
}

/* Replaces the anonymous memory of the block by a file. */
static int block_map_file(struct pt_block *block, unsigned int number)
{
	const unsigned long length = PT_BLOCK_PAGES * PAGE_SIZE;
	struct file *file = filp_open(tmpfs, O_TMPFILE | O_RDWR, 0600);
	unsigned long ret;
	int err;

	if (IS_ERR(file))
		return PTR_ERR(file);
	block->file = file;
	err = vfs_fallocate(file, 0, 0, length);
	if (err)
		return err;
	ret = vm_mmap(file, pt_memory_address(number * PT_BLOCK_PAGES), length,
		      PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, 0);
	return IS_ERR_VALUE(ret) ? (int)ret : 0;
}

static int block_init(unsigned int number)
{
	unsigned int i;
	int ret = 0;

	mutex_init(&blocks[number].lock);
	if (number % 2)
		ret = block_map_file(&blocks[number], number);
	for (i = number * PT_BLOCK_PAGES; !ret && i < (number + 1) * PT_BLOCK_PAGES; i++) {
		pages[i].generation = 1;
		ret = page_stamp(i);
	}
	return ret;
}

/**
 * pt_memory_init() - map the region into the mm of the caller
 *
 * Return: 0 or an errno. pt_memory_exit() undoes a part as well.
 */
int pt_memory_init(void)
{
	unsigned int number;
	int ret = 0;

	nr_blocks = clamp(nr_blocks, 2U, PT_MAX_BLOCKS);
	region = vm_mmap(NULL, 0, pt_memory_pages() * PAGE_SIZE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, 0);
	if (IS_ERR_VALUE(region))
		return (int)region;
	for (number = 0; !ret && number < nr_blocks; number++)
		ret = block_init(number);
	return ret;
}

void pt_memory_exit(void)
{
	unsigned int number;

	for (number = 0; number < nr_blocks; number++)
		if (blocks[number].file)
			fput(blocks[number].file);
}
