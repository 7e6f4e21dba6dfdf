// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of the device: a table of arguments and permissions, and one entry function
 */
#include <linux/capability.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/pinwatch.h>
#include "core/core.h"
#include "file.h"
#include "generation.h"
#include "ioctl.h"
#include "limits.h"
#include "query.h"
#include "verify.h"
#include "watch.h"
#include "watch_pin.h"

/* The argument in user space; the ioctl number contains the size. */
struct ioctl_arg {
	void __user *ptr;
	size_t size;
};

/* The first members of every structure */
struct ioctl_head {
	__u32 size;
	__u32 flags;
};

union ioctl_args {
	struct ioctl_head head;
	struct pinwatch_info info;
	struct pinwatch_stats stats;
	struct pinwatch_watch_add add;
	struct pinwatch_watch_del del;
	struct pinwatch_watch_repin repin;
	struct pinwatch_watch_query query;
	struct pinwatch_watch_verify verify;
	struct pinwatch_watch_stack stack;
	struct pinwatch_resync resync;
	struct pinwatch_attach attach;
	struct pinwatch_bind bind;
};

/* The rest of a longer structure of the caller is zero, as arg_get() has checked. */
static int arg_put(const void *src, size_t size, const struct ioctl_arg *arg)
{
	return copy_to_user(arg->ptr, src, min(size, arg->size)) ? -EFAULT : 0;
}

static int ioctl_info(struct pw_file *file, union ioctl_args *args,
		      const struct ioctl_arg *arg)
{
	struct pinwatch_info *info = &args->info;

	if (info->reserved)
		return -EINVAL;
	info->abi_major = PINWATCH_ABI_MAJOR;
	info->abi_minor = PINWATCH_ABI_MINOR;
	info->features = PINWATCH_FEATURE_PIN | PINWATCH_FEATURE_GEN;
	if (IS_ENABLED(CONFIG_HMM_MIRROR))
		info->features |= PINWATCH_FEATURE_VERIFY;
	info->page_size = PAGE_SIZE;
	info->event_size = sizeof(struct pinwatch_event);
	info->max_watches = file->max_watches;
	info->nr_watches = atomic_read(&file->nr_watches);
	info->gen_map_size = pw_generation_size(file->gens);
	info->max_pin_pages = pw_limits_max_pin_pages();
	info->watch_flags = PW_WATCH_FLAGS;
	info->events = PINWATCH_EVENT_ALL;
	info->causes = PINWATCH_CAUSE_ALL;
	info->hits_offset = PW_GENERATION_FILE_ID * sizeof(struct pinwatch_gen);
	return arg_put(info, sizeof(*info), arg);
}

static int ioctl_stats(struct pw_file *file, union ioctl_args *args,
		       const struct ioctl_arg *arg)
{
	struct pinwatch_stats *stats = &args->stats;
	struct pw_core_stats core;

	if (memchr_inv(stats->reserved, 0, sizeof(stats->reserved)))
		return -EINVAL;
	pw_core_stats(&core);
	stats->nr_mms = core.nr_mms;
	stats->nr_subscriptions = core.nr_subscriptions;
	stats->nr_files = atomic_long_read(&pw_counters.nr_files);
	stats->nr_watches = atomic_long_read(&pw_counters.nr_watches);
	stats->pinned_pages = atomic_long_read(&pw_counters.pinned_pages);
	stats->walks = core.walks;
	stats->callbacks = core.callbacks;
	stats->waits = core.waits;
	stats->remove_waits = core.remove_waits;
	stats->overflows = core.overflows;
	stats->vetoes = core.vetoes;
	return arg_put(stats, sizeof(*stats), arg);
}

static int ioctl_watch_add(struct pw_file *file, union ioctl_args *args,
			   const struct ioctl_arg *arg)
{
	struct pw_watch *watch = pw_watch_add(file, &args->add);
	int err;

	if (IS_ERR(watch))
		return PTR_ERR(watch);
	err = arg_put(&args->add, sizeof(args->add), arg);
	/*
	 * pw_watch_del() may fail. Another thread may have deleted the watch already,
	 * which is fine. Or this task is killed while another thread operates on the
	 * watch: then the watch stays until close.
	 */
	if (err)
		pw_watch_del(watch);
	pw_watch_put(watch);
	return err;
}

static int ioctl_watch_del(struct pw_file *file, union ioctl_args *args,
			   const struct ioctl_arg *arg)
{
	struct pw_watch *watch;
	int err;

	if (args->del.reserved)
		return -EINVAL;
	watch = pw_watch_find_since(file, args->del.id, args->del.generation);
	if (IS_ERR(watch))
		return PTR_ERR(watch);
	err = pw_watch_del(watch);
	pw_watch_put(watch);
	return err;
}

/*
 * If the result cannot be copied out, the call fails with EFAULT although the watch was
 * repinned; WATCH_QUERY returns the new generation.
 */
static int ioctl_watch_repin(struct pw_file *file, union ioctl_args *args,
			     const struct ioctl_arg *arg)
{
	struct pw_watch *watch;
	int err;

	watch = pw_watch_find_since(file, args->repin.id, args->repin.generation);
	if (IS_ERR(watch))
		return PTR_ERR(watch);
	err = pw_watch_repin(watch, &args->repin);
	pw_watch_put(watch);
	return err ? : arg_put(&args->repin, sizeof(args->repin), arg);
}

static int ioctl_watch_query(struct pw_file *file, union ioctl_args *args,
			     const struct ioctl_arg *arg)
{
	return pw_query_watch(file, &args->query) ? :
	       arg_put(&args->query, sizeof(args->query), arg);
}

static int ioctl_watch_verify(struct pw_file *file, union ioctl_args *args,
			      const struct ioctl_arg *arg)
{
	return pw_verify_watch(file, &args->verify) ? :
	       arg_put(&args->verify, sizeof(args->verify), arg);
}

static int ioctl_watch_stack(struct pw_file *file, union ioctl_args *args,
			     const struct ioctl_arg *arg)
{
	return pw_query_stack(file, &args->stack) ? :
	       arg_put(&args->stack, sizeof(args->stack), arg);
}

static int ioctl_resync(struct pw_file *file, union ioctl_args *args,
			const struct ioctl_arg *arg)
{
	return pw_query_resync(file, &args->resync) ? :
	       arg_put(&args->resync, sizeof(args->resync), arg);
}

static int ioctl_attach(struct pw_file *file, union ioctl_args *args,
			const struct ioctl_arg *arg)
{
	if (args->attach.reserved || args->attach.pid <= 0)
		return -EINVAL;
	return pw_file_attach(file, args->attach.pid);
}

static int ioctl_bind(struct pw_file *file, union ioctl_args *args,
		      const struct ioctl_arg *arg)
{
	return args->bind.reserved ? -EINVAL : pw_file_bind(file);
}

/**
 * struct ioctl_call - an ioctl
 * @call: Executes the ioctl and copies the result out.
 * @size: Size of the structure in this version.
 * @min_size: Size of the structure in the first version. Older and newer callers may
 *	have a shorter or longer structure, but none is shorter than @min_size.
 * @flags: Known flags.
 * @cap: The required capability in the initial user namespace; -1: none.
 */
struct ioctl_call {
	int (*call)(struct pw_file *file, union ioctl_args *args,
		    const struct ioctl_arg *arg);
	u16 size;
	u16 min_size;
	u32 flags;
	int cap;
};

#define CALL(nr, name, min, known, capability) \
	[_IOC_NR(PINWATCH_IOC_##nr)] = { \
		.call = ioctl_##name, .size = _IOC_SIZE(PINWATCH_IOC_##nr), \
		.min_size = (min), .flags = (known), .cap = (capability), \
	}

static const struct ioctl_call calls[] = {
	CALL(GET_INFO, info, 72, 0, -1),
	CALL(GET_STATS, stats, 120, 0, CAP_SYS_ADMIN),
	CALL(WATCH_ADD, watch_add, 56, U32_MAX, -1),
	CALL(WATCH_DEL, watch_del, 16, 0, -1),
	CALL(WATCH_REPIN, watch_repin, 32, PINWATCH_REPIN_F_KEEP, -1),
	CALL(WATCH_QUERY, watch_query, 128, PINWATCH_QUERY_F_NEXT, -1),
	CALL(WATCH_VERIFY, watch_verify, 120, 0, -1),
	CALL(WATCH_STACK, watch_stack, 224, 0, CAP_SYSLOG),
	CALL(RESYNC, resync, 32, 0, -1),
	CALL(ATTACH, attach, 16, 0, CAP_SYS_PTRACE),
	CALL(BIND, bind, 16, 0, -1),
};

static int arg_get(union ioctl_args *args, const struct ioctl_call *call,
		   const struct ioctl_arg *arg)
{
	int err;

	if (arg->size < call->min_size)
		return -EINVAL;
	err = copy_struct_from_user(args, call->size, arg->ptr, arg->size);
	if (err)
		return err;
	return args->head.size != arg->size || args->head.flags & ~call->flags ?
	       -EINVAL : 0;
}

/* Compare only the number of @cmd: the size in @cmd may differ from @call->size. */
long pw_ioctl(struct file *filp, unsigned int cmd, unsigned long ptr)
{
	struct ioctl_arg arg = {
		.ptr = (void __user *)ptr,
		.size = _IOC_SIZE(cmd),
	};
	unsigned int nr = _IOC_NR(cmd);
	const struct ioctl_call *call;
	union ioctl_args args;
	int err;

	if (_IOC_TYPE(cmd) != PINWATCH_IOC_MAGIC ||
	    _IOC_DIR(cmd) != (_IOC_READ | _IOC_WRITE) || nr >= ARRAY_SIZE(calls))
		return -ENOTTY;
	call = &calls[array_index_nospec(nr, ARRAY_SIZE(calls))];
	if (!call->call)
		return -ENOTTY;
	if (call->cap >= 0 && !capable(call->cap))
		return -EPERM;
	memset(&args, 0, sizeof(args));
	err = arg_get(&args, call, &arg);
	return err ? : call->call(filp->private_data, &args, &arg);
}
