// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Model of amdgpu's userptr BOs under KFD (drivers/gpu/drm/amd/amdgpu/amdgpu_mn.c and
 * amdgpu_amdkfd_gpuvm.c)
 *
 * The pattern: no pins, and user queues that run without a call of the driver. An
 * invalidation evicts a BO: it stops the queues of the process. A worker takes the pages of
 * every evicted BO again, and lets the queues run when no BO is evicted any more.
 *
 * Invariant: no queue runs between an eviction and the restore of all BOs. When the
 * invalidations end, the restore succeeds and no BO is evicted.
 *
 * What the real driver does not do: its graphics callback waits for all fences of the VM,
 * without a limit, under the lock; and kfd_svm sleeps in non-blockable mode too. A queue of
 * the model stops in the time of one access. The callback sleeps, so its ops do not have
 * PINWATCH_OPS_NEVER_SLEEPS, and pinwatch calls it on blockable ranges only.
 */
#include <linux/hmm.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/slab.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include "model.h"

#define RESTORE_DELAY_MS	1

struct bo {
	struct pinwatch_interval_notifier sub;
	struct process *process;
	unsigned long *pfns;	/* of hmm_range_fault(); used while no BO is evicted */
	bool evicted;		/* written under notifier_lock, like present */
	bool present;		/* false: the range could not be faulted in */
	struct list_head node;
};

/*
 * struct model_file counts the evicted BOs in nr_stopped, under notifier_lock. The queues
 * run while the count is 0. Nothing allocates memory under notifier_lock.
 */
struct process {
	struct model_file file;
	struct mutex notifier_lock;	/* the callbacks take it */
	bool closing;			/* under notifier_lock */
	struct mutex bos_lock;		/* protects bos; held while pages are taken */
	struct list_head bos;		/* freed at close only */
	struct delayed_work restore_work;
	struct wait_queue_head resumed;
};

static bool bo_invalidate(struct pinwatch_interval_notifier *sub,
			  const struct mmu_notifier_range *range, unsigned long cur_seq)
{
	struct bo *bo = container_of(sub, struct bo, sub);
	struct process *process = bo->process;

	mutex_lock(&process->notifier_lock);
	pinwatch_interval_set_seq(sub, cur_seq);
	if (!bo->evicted) {
		WRITE_ONCE(bo->evicted, true);	/* pairs with restore_worker() */
		atomic_long_inc(&process->file.nr_invalidated);
		if (atomic_long_inc_return(&process->file.nr_stopped) == 1 && !process->closing)
			schedule_delayed_work(&process->restore_work,
					      msecs_to_jiffies(RESTORE_DELAY_MS));
	}
	mutex_unlock(&process->notifier_lock);
	return true;
}

static const struct pinwatch_interval_notifier_ops bo_ops = {
	.invalidate = bo_invalidate,
};

/* Returns false if an invalidation collided. */
static bool bo_validate(struct bo *bo, unsigned long seq, bool present)
{
	struct process *process = bo->process;
	bool retry;

	mutex_lock(&process->notifier_lock);
	retry = present && pinwatch_interval_read_retry(&bo->sub, seq);
	if (!retry) {
		bo->present = present;
		WRITE_ONCE(bo->evicted, false);
		if (atomic_long_dec_and_test(&process->file.nr_stopped))
			wake_up_all(&process->resumed);
	}
	mutex_unlock(&process->notifier_lock);
	return !retry;
}

/*
 * A BO whose range is not mapped comes back without pages, so that it does not stop the
 * others: the device faults on it.
 */
static bool bo_restore(struct bo *bo)
{
	struct hmm_range range = {
		.notifier = &bo->sub.mni,
		.start = bo->sub.interval_tree.start,
		.end = bo->sub.interval_tree.last + 1,
		.hmm_pfns = bo->pfns,
		.default_flags = HMM_PFN_REQ_FAULT | HMM_PFN_REQ_WRITE,
	};
	int err;

	atomic_long_inc(&bo->process->file.nr_taken);
	err = pinwatch_hmm_range_fault_unlocked_timeout(&range, HZ);
	if (err == -EBUSY || err == -EINTR)
		return false;
	return bo_validate(bo, range.notifier_seq, !err);
}

/* If the worker misses a new eviction, nr_stopped makes it begin anew after a delay. */
static void restore_worker(struct work_struct *work)
{
	struct process *process = container_of(to_delayed_work(work), struct process,
					       restore_work);
	struct bo *bo;

	mutex_lock(&process->bos_lock);
	list_for_each_entry(bo, &process->bos, node)
		if (READ_ONCE(bo->evicted))	/* pairs with bo_invalidate() */
			bo_restore(bo);
	mutex_unlock(&process->bos_lock);
	if (atomic_long_read(&process->file.nr_stopped))
		schedule_delayed_work(&process->restore_work,
				      msecs_to_jiffies(RESTORE_DELAY_MS));
}

/* A queue runs. Caller holds notifier_lock, and no BO is evicted. */
static int queue_run(struct process *process, struct model_access *access)
{
	struct bo *bo;

	list_for_each_entry(bo, &process->bos, node) {
		unsigned long offset = access->addr - bo->sub.interval_tree.start;

		if (!bo->present || !model_covers(&bo->sub, access->addr))
			continue;
		model_touch(hmm_pfn_to_page(bo->pfns[offset >> PAGE_SHIFT]), access);
		return 0;
	}
	return -EFAULT;
}

static int process_access(struct model_file *file, struct model_access *access)
{
	struct process *process = container_of(file, struct process, file);
	bool stopped;
	int ret;

	do {
		ret = wait_event_killable(process->resumed, !atomic_long_read(&file->nr_stopped));
		if (ret)
			return ret;
		mutex_lock(&process->notifier_lock);
		stopped = atomic_long_read(&file->nr_stopped);
		if (!stopped)
			ret = queue_run(process, access);
		mutex_unlock(&process->notifier_lock);
	} while (stopped);
	return ret;
}

/* A new BO is evicted. */
static void bo_publish(struct process *process, struct bo *bo)
{
	mutex_lock(&process->bos_lock);
	mutex_lock(&process->notifier_lock);
	list_add(&bo->node, &process->bos);
	atomic_long_inc(&process->file.nr_stopped);
	mutex_unlock(&process->notifier_lock);
	mutex_unlock(&process->bos_lock);
	schedule_delayed_work(&process->restore_work, 0);
}

static int process_add(struct model_file *file, struct model_range *range)
{
	struct process *process = container_of(file, struct process, file);
	struct bo *bo = kzalloc(sizeof(*bo), GFP_KERNEL_ACCOUNT);
	int err = -ENOMEM;

	if (!bo)
		return -ENOMEM;
	bo->process = process;
	bo->evicted = true;
	bo->pfns = kvcalloc(range->length >> PAGE_SHIFT, sizeof(*bo->pfns), GFP_KERNEL_ACCOUNT);
	if (bo->pfns)
		err = pinwatch_interval_notifier_insert(&bo->sub, file->mm, range->addr,
							range->length, &bo_ops);
	if (err) {
		kvfree(bo->pfns);
		kfree(bo);
		return err;
	}
	bo_publish(process, bo);
	return 0;
}

static int process_open(struct model_file *file)
{
	struct process *process = container_of(file, struct process, file);

	mutex_init(&process->notifier_lock);
	mutex_init(&process->bos_lock);
	INIT_LIST_HEAD(&process->bos);
	INIT_DELAYED_WORK(&process->restore_work, restore_worker);
	init_waitqueue_head(&process->resumed);
	return 0;
}

/* The worker uses the subscriptions, so it ends first. */
static void process_close(struct model_file *file)
{
	struct process *process = container_of(file, struct process, file);
	struct bo *bo, *next;

	mutex_lock(&process->notifier_lock);
	process->closing = true;
	mutex_unlock(&process->notifier_lock);
	cancel_delayed_work_sync(&process->restore_work);
	list_for_each_entry_safe(bo, next, &process->bos, node) {
		pinwatch_interval_notifier_remove(&bo->sub);
		kvfree(bo->pfns);
		kfree(bo);
	}
}

static struct model amdgpu_model = {
	.name = "pinwatch_amdgpu_mn",
	.owner = THIS_MODULE,
	.size = sizeof(struct process),
	.open = process_open,
	.close = process_close,
	.add = process_add,
	.access = process_access,
};

module_model(amdgpu_model);

MODULE_DESCRIPTION("Model of the userptr BOs of amdgpu");
MODULE_AUTHOR("The pinwatch developers");
MODULE_LICENSE("Dual MIT/GPL");
