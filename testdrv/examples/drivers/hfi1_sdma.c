// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Model of hfi1's cache of pinned pages for sends (drivers/infiniband/hw/hfi1/mmu_rb.c)
 *
 * The pattern: an interval tree finds the node of an address, a list gives up the node that
 * was used least recently, and each send in flight holds a reference. An invalidation takes
 * the node out of the tree. The last reference puts the subscription, and a worker unpins.
 *
 * Invariant: after an invalidation no lookup finds the node, a send keeps the page of its
 * node, and of two tasks that add a page one node stays.
 *
 * What the real driver does not do: it pins before it inserts, and looks at no sequence, so
 * an invalidation in between leaves a stale node.
 */
#include <linux/interval_tree.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include "model.h"

#define MAX_NODES	16

struct node {
	struct pinwatch_interval_notifier sub;	/* one page */
	struct cache *cache;
	struct page *page;			/* NULL: not pinned yet */
	struct kref ref;			/* of the tree, and of each send */
	bool cached;				/* under cache->lock, like lru */
	struct interval_tree_node range;
	struct list_head lru;
	struct llist_node unpin;
};

struct cache {
	struct model_file file;
	spinlock_t lock;			/* the callbacks take it */
	struct rb_root_cached tree;
	struct list_head lru;			/* the least recently used node first */
	unsigned int nr_nodes;
	struct llist_head unpin;
	struct work_struct unpin_work;
};

/* ops->free: no callback of the node runs, and none will. */
static void node_free(struct pinwatch_interval_notifier *sub)
{
	struct node *node = container_of(sub, struct node, sub);
	struct cache *cache = node->cache;

	llist_add(&node->unpin, &cache->unpin);
	schedule_work(&cache->unpin_work);
}

static void unpin_worker(struct work_struct *work)
{
	struct cache *cache = container_of(work, struct cache, unpin_work);
	struct node *node, *next;

	llist_for_each_entry_safe(node, next, llist_del_all(&cache->unpin), unpin) {
		if (node->page)
			model_unpin(&cache->file, &node->page, 1);
		kfree(node);
	}
}

/* Callbacks drop references too, so the subscription is not removed but put. */
static void node_release(struct kref *ref)
{
	pinwatch_interval_notifier_put(&container_of(ref, struct node, ref)->sub);
}

/* Caller holds cache->lock. */
static void node_uncache(struct node *node)
{
	node->cached = false;
	node->cache->nr_nodes--;
	interval_tree_remove(&node->range, &node->cache->tree);
	list_del(&node->lru);
	kref_put(&node->ref, node_release);
}

static bool node_invalidate(struct pinwatch_interval_notifier *sub,
			    const struct mmu_notifier_range *range, unsigned long cur_seq)
{
	struct node *node = container_of(sub, struct node, sub);
	struct cache *cache = node->cache;

	spin_lock(&cache->lock);
	pinwatch_interval_set_seq(sub, cur_seq);
	if (node->cached) {
		node_uncache(node);
		atomic_long_inc(&cache->file.nr_invalidated);
	}
	spin_unlock(&cache->lock);
	return true;
}

static const struct pinwatch_interval_notifier_ops node_ops = {
	.invalidate = node_invalidate,
	.free = node_free,
	.flags = PINWATCH_OPS_NEVER_SLEEPS,
};

/* Caller holds cache->lock. */
static struct node *node_get(struct cache *cache, unsigned long addr)
{
	struct interval_tree_node *range = interval_tree_iter_first(&cache->tree, addr, addr);
	struct node *node;

	if (!range)
		return NULL;
	node = container_of(range, struct node, range);
	kref_get(&node->ref);
	list_move_tail(&node->lru, &cache->lru);
	return node;
}

/* Caller holds cache->lock. The tree takes a reference of its own. */
static struct node *node_insert(struct cache *cache, struct node *node)
{
	if (cache->nr_nodes == MAX_NODES)
		node_uncache(list_first_entry(&cache->lru, struct node, lru));
	kref_get(&node->ref);
	node->cached = true;
	cache->nr_nodes++;
	interval_tree_insert(&node->range, &cache->tree);
	list_add_tail(&node->lru, &cache->lru);
	return node;
}

/* Return: @node, the node of another task, or ERR_PTR(-EAGAIN). */
static struct node *node_publish(struct cache *cache, struct node *node, unsigned long seq)
{
	struct node *found = ERR_PTR(-EAGAIN);

	spin_lock(&cache->lock);
	if (!pinwatch_interval_read_retry(&node->sub, seq))
		found = node_get(cache, node->range.start) ?: node_insert(cache, node);
	spin_unlock(&cache->lock);
	return found;
}

static struct node *node_fill(struct cache *cache, struct node *node)
{
	struct node *found;
	unsigned long seq;
	int err;

	do {
		if (node->page)
			model_unpin(&cache->file, &node->page, 1);
		node->page = NULL;
		err = pinwatch_interval_read_begin_killable(&node->sub, &seq);
		if (!err)
			err = model_pin(&cache->file, node->range.start, 1, &node->page);
		if (err)
			return ERR_PTR(err);
		found = node_publish(cache, node, seq);
	} while (found == ERR_PTR(-EAGAIN));
	return found;
}

static struct node *node_make(struct cache *cache, unsigned long addr)
{
	struct node *found, *node = kzalloc(sizeof(*node), GFP_KERNEL_ACCOUNT);
	int err;

	if (!node)
		return ERR_PTR(-ENOMEM);
	node->cache = cache;
	kref_init(&node->ref);
	node->range.start = addr & PAGE_MASK;
	node->range.last = node->range.start + PAGE_SIZE - 1;
	err = pinwatch_interval_notifier_insert(&node->sub, cache->file.mm, node->range.start,
						PAGE_SIZE, &node_ops);
	if (err) {
		kfree(node);
		return ERR_PTR(err);
	}
	found = node_fill(cache, node);
	if (found != node)
		kref_put(&node->ref, node_release);
	return found;
}

static int cache_access(struct model_file *file, struct model_access *access)
{
	struct cache *cache = container_of(file, struct cache, file);
	struct node *node;

	spin_lock(&cache->lock);
	node = node_get(cache, access->addr);
	spin_unlock(&cache->lock);
	if (!node)
		node = node_make(cache, access->addr);
	if (IS_ERR(node))
		return PTR_ERR(node);
	model_touch(node->page, access);
	kref_put(&node->ref, node_release);
	return 0;
}

static void cache_settle(struct model_file *file)
{
	pinwatch_interval_notifier_barrier();
	flush_work(&container_of(file, struct cache, file)->unpin_work);
}

static int cache_open(struct model_file *file)
{
	struct cache *cache = container_of(file, struct cache, file);

	spin_lock_init(&cache->lock);
	cache->tree = RB_ROOT_CACHED;
	INIT_LIST_HEAD(&cache->lru);
	init_llist_head(&cache->unpin);
	INIT_WORK(&cache->unpin_work, unpin_worker);
	return 0;
}

/* After the barrier, every ops->free() has returned. */
static void cache_close(struct model_file *file)
{
	struct cache *cache = container_of(file, struct cache, file);

	spin_lock(&cache->lock);
	while (!list_empty(&cache->lru))
		node_uncache(list_first_entry(&cache->lru, struct node, lru));
	spin_unlock(&cache->lock);
	cache_settle(file);
}

static struct model sdma_model = {
	.name = "pinwatch_hfi1_sdma",
	.owner = THIS_MODULE,
	.size = sizeof(struct cache),
	.open = cache_open,
	.close = cache_close,
	.access = cache_access,
	.settle = cache_settle,
};

module_model(sdma_model);

MODULE_DESCRIPTION("Model of the cache of pinned pages of hfi1");
MODULE_AUTHOR("The pinwatch developers");
MODULE_LICENSE("Dual MIT/GPL");
