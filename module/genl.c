// SPDX-License-Identifier: GPL-2.0-only
/*
 * Generic netlink: the family, and the worker that sends events to the listeners
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>
#include <linux/pinwatch_netlink.h>
#include "compat/net.h"
#include "genl.h"
#include "message.h"
#include "request.h"
#include "ring.h"

enum { GROUP_EVENTS, GROUP_ACTORS };

static const struct genl_multicast_group groups[] = {
	[GROUP_EVENTS] = { .name = PINWATCH_GENL_GROUP_EVENTS, PW_GROUP_NET_ADMIN },
	[GROUP_ACTORS] = { .name = PINWATCH_GENL_GROUP_ACTORS, PW_GROUP_SYS_ADMIN },
};

/* netnsok is false: CAP_NET_ADMIN in another network namespace must not grant access. */
struct genl_family pw_genl_family __ro_after_init = {
	.name = PINWATCH_GENL_NAME,
	.version = PINWATCH_GENL_VERSION,
	.module = THIS_MODULE,
	.ops = pw_request_ops,
	.n_ops = ARRAY_SIZE(pw_request_ops),
	.mcgrps = groups,
	.n_mcgrps = ARRAY_SIZE(groups),
};

static bool group_wanted(unsigned int group)
{
	return genl_has_listeners(&pw_genl_family, &init_net, group);
}

static bool events_wanted(void)
{
	return group_wanted(GROUP_EVENTS) || group_wanted(GROUP_ACTORS);
}

/* Return: false if the message could not be allocated. */
static bool message_send(unsigned int group, const struct pw_ring_event *event)
{
	struct sk_buff *skb = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	void *header;

	if (!skb)
		return false;
	header = genlmsg_put(skb, 0, 0, &pw_genl_family, 0, PINWATCH_CMD_EVENT);
	if (!header || pw_message_event(skb, event, group == GROUP_ACTORS)) {
		nlmsg_free(skb);
		return false;
	}
	genlmsg_end(skb, header);
	/* A slow listener gets ENOBUFS from its socket, and sees a gap in SEQ. */
	genlmsg_multicast(&pw_genl_family, skb, 0, group, GFP_KERNEL);
	return true;
}

/* The next event that is sent to a group carries the number of unsent events. */
static bool group_send(unsigned int group, const struct pw_ring_event *event)
{
	static u64 unsent[ARRAY_SIZE(groups)];	/* used by send_run() only */
	struct pw_ring_event told = *event;
	bool sent = true;

	told.lost += unsent[group];
	if (group_wanted(group))
		sent = message_send(group, &told);
	unsent[group] = sent ? 0 : told.lost + !!event->file;
	return sent;
}

static bool events_send(const struct pw_ring_event *event)
{
	bool sent = group_send(GROUP_EVENTS, event);

	return group_send(GROUP_ACTORS, event) && sent;
}

static void send_run(struct work_struct *work)
{
	struct pw_ring_event event;
	bool sent;

	while (pw_ring_take(&event)) {
		sent = events_send(&event);
		if (event.file)
			pw_ring_count(sent);
		cond_resched();
	}
}

static struct workqueue_struct *send_wq;
static DECLARE_WORK(send_work, send_run);

void pw_genl_hit(const struct pw_file *file, u32 id, const struct pw_hit *hit,
		 u64 generation)
{
	if (!events_wanted())
		return;
	pw_ring_push(file, id, hit, generation);
	/*
	 * Queueing cannot miss the event: if send_run() is already running, it has not
	 * taken the event yet, or this call queues it once more.
	 */
	queue_work(send_wq, &send_work);
}

int pw_genl_init(void)
{
	int err = pw_ring_init();

	if (err)
		return err;
	err = -ENOMEM;
	send_wq = alloc_workqueue("pinwatch_genl", WQ_UNBOUND, 0);
	if (!send_wq)
		goto err_ring;
	err = genl_register_family(&pw_genl_family);
	if (err)
		goto err_wq;
	return 0;

err_wq:
	destroy_workqueue(send_wq);
err_ring:
	pw_ring_exit();
	return err;
}

void pw_genl_exit(void)
{
	/* Sends the events in the ring. */
	destroy_workqueue(send_wq);
	genl_unregister_family(&pw_genl_family);
	pw_ring_exit();
}
