// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Model of i915's userptr objects (drivers/gpu/drm/i915/gem/i915_gem_userptr.c)
 *
 * The pattern: pins that are taken lazily. Making an object pins nothing. Each execution
 * compares the object's sequence with that of its pages: equal, the pages are used again;
 * different, they are unpinned and taken anew.
 *
 * Invariant: an execution that begins after an invalidation never uses the old pages, and
 * an execution without one since the last does not pin. An object holds at most one
 * generation of stale pages, until the next execution or the close.
 *
 * What the real driver does not do: up to 6.x its callback waits for the fences of every
 * running execution, without a limit, and all notifiers of the machine wait with it. The
 * model follows 7.x: the callback only accepts the invalidation. The pins keep the memory
 * of a running execution, and the next execution looks at the sequence.
 */
#include <linux/list.h>
#include <linux/slab.h>
#include "model.h"

#define MAX_RETRIES	100

struct object {
	struct pinwatch_interval_notifier sub;
	struct model_file *file;
	struct mutex exec_mutex;	/* while pages are taken; not in the callback */
	spinlock_t lock;		/* while pages are used, and in the callback */
	struct page **pages;		/* pinned, or NULL; under exec_mutex, like seq */
	unsigned long nr_pages;
	unsigned long seq;		/* of the section that took pages */
	struct list_head node;
};

struct userptr {
	struct model_file file;
	struct mutex mutex;		/* protects objects */
	struct list_head objects;	/* freed at close only */
};

static bool object_invalidate(struct pinwatch_interval_notifier *sub,
			      const struct mmu_notifier_range *range, unsigned long cur_seq)
{
	struct object *object = container_of(sub, struct object, sub);

	spin_lock(&object->lock);
	pinwatch_interval_set_seq(sub, cur_seq);
	spin_unlock(&object->lock);
	atomic_long_inc(&object->file->nr_invalidated);
	return true;
}

static const struct pinwatch_interval_notifier_ops object_ops = {
	.invalidate = object_invalidate,
	.flags = PINWATCH_OPS_NEVER_SLEEPS,
};

static void object_unpin(struct object *object)
{
	if (!object->pages)
		return;
	model_unpin(object->file, object->pages, object->nr_pages);
	kvfree(object->pages);
	object->pages = NULL;
}

static int object_pin(struct object *object)
{
	struct page **pages;
	int err;

	pages = kvmalloc_array(object->nr_pages, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return -ENOMEM;
	err = model_pin(object->file, object->sub.interval_tree.start, object->nr_pages, pages);
	if (err)
		kvfree(pages);
	else
		object->pages = pages;
	return err;
}

/* Make sure that the object has the pages of the section that begins with @seq. */
static int object_take(struct object *object, unsigned long seq)
{
	if (object->pages && object->seq == seq)
		return 0;
	object_unpin(object);
	object->seq = seq;
	return object_pin(object);
}

/* -EAGAIN: an invalidation collided. */
static int object_submit(struct object *object, struct model_access *access)
{
	unsigned long offset = access->addr - object->sub.interval_tree.start;

	spin_lock(&object->lock);
	if (pinwatch_interval_read_retry(&object->sub, object->seq)) {
		spin_unlock(&object->lock);
		return -EAGAIN;
	}
	model_touch(object->pages[offset >> PAGE_SHIFT], access);
	spin_unlock(&object->lock);
	return 0;
}

static int object_exec(struct object *object, struct model_access *access)
{
	unsigned int retries = 0;
	unsigned long seq;
	int err;

	lockdep_assert_held(&object->exec_mutex);
	do {
		err = pinwatch_interval_read_begin_killable(&object->sub, &seq);
		if (!err)
			err = object_take(object, seq);
		if (!err)
			err = object_submit(object, access);
	} while (err == -EAGAIN && retries++ < MAX_RETRIES);
	return err;
}

static struct object *object_find(struct userptr *userptr, unsigned long addr)
{
	struct object *object, *found = NULL;

	mutex_lock(&userptr->mutex);
	list_for_each_entry(object, &userptr->objects, node) {
		if (model_covers(&object->sub, addr)) {
			found = object;
			break;
		}
	}
	mutex_unlock(&userptr->mutex);
	return found;
}

static int userptr_access(struct model_file *file, struct model_access *access)
{
	struct userptr *userptr = container_of(file, struct userptr, file);
	struct object *object = object_find(userptr, access->addr);
	int err;

	if (!object)
		return -EFAULT;
	if (mutex_lock_killable(&object->exec_mutex))
		return -EINTR;
	err = object_exec(object, access);
	mutex_unlock(&object->exec_mutex);
	return err;
}

static int userptr_add(struct model_file *file, struct model_range *range)
{
	struct userptr *userptr = container_of(file, struct userptr, file);
	struct object *object = kzalloc(sizeof(*object), GFP_KERNEL_ACCOUNT);
	int err;

	if (!object)
		return -ENOMEM;
	object->file = file;
	object->nr_pages = range->length >> PAGE_SHIFT;
	mutex_init(&object->exec_mutex);
	spin_lock_init(&object->lock);
	err = pinwatch_interval_notifier_insert(&object->sub, file->mm, range->addr,
						range->length, &object_ops);
	if (err) {
		kfree(object);
		return err;
	}
	mutex_lock(&userptr->mutex);
	list_add(&object->node, &userptr->objects);
	mutex_unlock(&userptr->mutex);
	return 0;
}

static int userptr_open(struct model_file *file)
{
	struct userptr *userptr = container_of(file, struct userptr, file);

	mutex_init(&userptr->mutex);
	INIT_LIST_HEAD(&userptr->objects);
	return 0;
}

static void userptr_close(struct model_file *file)
{
	struct userptr *userptr = container_of(file, struct userptr, file);
	struct object *object, *next;

	list_for_each_entry_safe(object, next, &userptr->objects, node) {
		pinwatch_interval_notifier_remove(&object->sub);
		object_unpin(object);
		kfree(object);
	}
}

static struct model userptr_model = {
	.name = "pinwatch_i915_userptr",
	.owner = THIS_MODULE,
	.size = sizeof(struct userptr),
	.open = userptr_open,
	.close = userptr_close,
	.add = userptr_add,
	.access = userptr_access,
};

module_model(userptr_model);

MODULE_DESCRIPTION("Model of the userptr objects of i915");
MODULE_AUTHOR("The pinwatch developers");
MODULE_LICENSE("Dual MIT/GPL");
