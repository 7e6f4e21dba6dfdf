// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Model of scif's temporary windows (drivers/misc/mic/scif/scif_dma.c, removed in 5.10)
 *
 * The pattern: an endpoint keeps a list of pinned windows, so that the next transfer of the
 * same address finds its pages. An invalidation moves a window to a clean-up list. A worker
 * waits for the transfers of the window, and unpins its pages.
 *
 * Invariant: no transfer that begins after an invalidation finds the old window, and each
 * window is unpinned when its transfers have ended. A cache holds MAX_WINDOWS at most.
 *
 * What the real driver does not do: it pins a window first and caches it afterwards. An
 * invalidation in between finds no window, and the stale one stays in the cache. The model
 * subscribes first, and looks at the sequence under the lock under which it caches.
 */
#include <linux/list.h>
#include <linux/slab.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include "model.h"

#define MAX_WINDOWS	16

struct window {
	struct pinwatch_interval_notifier sub;	/* one page */
	struct endpoint *endpoint;
	struct page *page;
	bool cached;			/* under endpoint->lock, like node */
	struct list_head node;		/* in windows while cached, then in cleanup */
	atomic_t nr_transfers;		/* grows under endpoint->lock while cached only */
};

struct endpoint {
	struct model_file file;
	spinlock_t lock;		/* the callbacks take it */
	struct list_head windows;	/* the oldest first */
	unsigned int nr_windows;
	struct list_head cleanup;
	struct work_struct cleanup_work;
	struct wait_queue_head idle;	/* a window has no transfer any more */
};

/* Caller holds endpoint->lock. From now on, only the worker uses @window. */
static void window_uncache(struct window *window)
{
	struct endpoint *endpoint = window->endpoint;

	lockdep_assert_held(&endpoint->lock);
	window->cached = false;
	endpoint->nr_windows--;
	list_move_tail(&window->node, &endpoint->cleanup);
	schedule_work(&endpoint->cleanup_work);
}

static bool window_invalidate(struct pinwatch_interval_notifier *sub,
			      const struct mmu_notifier_range *range, unsigned long cur_seq)
{
	struct window *window = container_of(sub, struct window, sub);
	struct endpoint *endpoint = window->endpoint;

	spin_lock(&endpoint->lock);
	pinwatch_interval_set_seq(sub, cur_seq);
	if (window->cached) {
		window_uncache(window);
		atomic_long_inc(&endpoint->file.nr_invalidated);
	}
	spin_unlock(&endpoint->lock);
	return true;
}

static const struct pinwatch_interval_notifier_ops window_ops = {
	.invalidate = window_invalidate,
	.flags = PINWATCH_OPS_NEVER_SLEEPS,
};

static struct window *cleanup_next(struct endpoint *endpoint)
{
	struct window *window;

	spin_lock(&endpoint->lock);
	window = list_first_entry_or_null(&endpoint->cleanup, struct window, node);
	if (window)
		list_del(&window->node);
	spin_unlock(&endpoint->lock);
	return window;
}

static void cleanup_worker(struct work_struct *work)
{
	struct endpoint *endpoint = container_of(work, struct endpoint, cleanup_work);
	struct window *window;

	while ((window = cleanup_next(endpoint))) {
		pinwatch_interval_notifier_remove(&window->sub);
		wait_event(endpoint->idle, !atomic_read(&window->nr_transfers));
		model_unpin(&endpoint->file, &window->page, 1);
		kfree(window);
	}
}

/* Begin a transfer. Return: the window, or NULL if none is cached. */
static struct window *window_find(struct endpoint *endpoint, unsigned long addr)
{
	struct window *window, *found = NULL;

	spin_lock(&endpoint->lock);
	list_for_each_entry(window, &endpoint->windows, node) {
		if (!model_covers(&window->sub, addr))
			continue;
		atomic_inc(&window->nr_transfers);
		found = window;
		break;
	}
	spin_unlock(&endpoint->lock);
	return found;
}

/*
 * Cache the window and begin a transfer. False: an invalidation collided. Two tasks may
 * cache the same page; an invalidation calls both subscriptions.
 */
static bool window_cache(struct window *window, unsigned long seq)
{
	struct endpoint *endpoint = window->endpoint;
	bool retry;

	spin_lock(&endpoint->lock);
	retry = pinwatch_interval_read_retry(&window->sub, seq);
	if (!retry) {
		if (endpoint->nr_windows == MAX_WINDOWS)
			window_uncache(list_first_entry(&endpoint->windows, struct window, node));
		window->cached = true;
		atomic_inc(&window->nr_transfers);
		endpoint->nr_windows++;
		list_add_tail(&window->node, &endpoint->windows);
	}
	spin_unlock(&endpoint->lock);
	return !retry;
}

/* Pin and cache the page. -EAGAIN: an invalidation collided. */
static int window_fill(struct window *window)
{
	struct model_file *file = &window->endpoint->file;
	unsigned long seq;
	int err;

	err = pinwatch_interval_read_begin_killable(&window->sub, &seq);
	if (!err)
		err = model_pin(file, window->sub.interval_tree.start, 1, &window->page);
	if (err || window_cache(window, seq))
		return err;
	model_unpin(file, &window->page, 1);
	return -EAGAIN;
}

static struct window *window_make(struct endpoint *endpoint, unsigned long addr)
{
	struct window *window = kzalloc(sizeof(*window), GFP_KERNEL_ACCOUNT);
	int err;

	if (!window)
		return ERR_PTR(-ENOMEM);
	window->endpoint = endpoint;
	err = pinwatch_interval_notifier_insert(&window->sub, endpoint->file.mm,
						addr & PAGE_MASK, PAGE_SIZE, &window_ops);
	if (err)
		goto err_free;
	do {
		err = window_fill(window);
	} while (err == -EAGAIN);
	if (err)
		goto err_remove;
	return window;

err_remove:
	pinwatch_interval_notifier_remove(&window->sub);
err_free:
	kfree(window);
	return ERR_PTR(err);
}

static int endpoint_access(struct model_file *file, struct model_access *access)
{
	struct endpoint *endpoint = container_of(file, struct endpoint, file);
	struct window *window = window_find(endpoint, access->addr);

	if (!window)
		window = window_make(endpoint, access->addr);
	if (IS_ERR(window))
		return PTR_ERR(window);
	model_touch(window->page, access);
	if (atomic_dec_and_test(&window->nr_transfers))
		wake_up_all(&endpoint->idle);
	return 0;
}

static void endpoint_settle(struct model_file *file)
{
	flush_work(&container_of(file, struct endpoint, file)->cleanup_work);
}

static int endpoint_open(struct model_file *file)
{
	struct endpoint *endpoint = container_of(file, struct endpoint, file);

	spin_lock_init(&endpoint->lock);
	INIT_LIST_HEAD(&endpoint->windows);
	INIT_LIST_HEAD(&endpoint->cleanup);
	INIT_WORK(&endpoint->cleanup_work, cleanup_worker);
	init_waitqueue_head(&endpoint->idle);
	return 0;
}

/* When no window is cached any more, no callback schedules the work. */
static void endpoint_close(struct model_file *file)
{
	struct endpoint *endpoint = container_of(file, struct endpoint, file);
	struct window *window, *next;

	spin_lock(&endpoint->lock);
	list_for_each_entry_safe(window, next, &endpoint->windows, node)
		window_uncache(window);
	spin_unlock(&endpoint->lock);
	flush_work(&endpoint->cleanup_work);
}

static struct model scif_model = {
	.name = "pinwatch_scif_dma",
	.owner = THIS_MODULE,
	.size = sizeof(struct endpoint),
	.open = endpoint_open,
	.close = endpoint_close,
	.access = endpoint_access,
	.settle = endpoint_settle,
};

module_model(scif_model);

MODULE_DESCRIPTION("Model of the temporary windows of scif");
MODULE_AUTHOR("The pinwatch developers");
MODULE_LICENSE("Dual MIT/GPL");
