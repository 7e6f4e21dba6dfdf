// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests of the netlink family
 *
 * The kernel checks capabilities, and it checks attributes by the policies below and
 * reports the attribute that it rejects. All other checks are in doit and dumpit.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/netlink.h>
#include <linux/pinwatch.h>
#include <linux/pinwatch_netlink.h>
#include "compat/net.h"
#include "core/core.h"
#include "file.h"
#include "genl.h"
#include "limits.h"
#include "message.h"
#include "query.h"
#include "request.h"

/* Not const: struct nla_policy of older kernels has no pointer to const. */
static struct netlink_range_validation id_range = {
	.max = PW_LIMITS_MAX_WATCHES,
};

static const struct nla_policy watch_policy[] = {
	[PINWATCH_A_FILE] = NLA_POLICY_MIN(NLA_U32, 1),
	[PINWATCH_A_ID] = NLA_POLICY_FULL_RANGE(NLA_U32, &id_range),
};

static const struct nla_policy mm_policy[] = {
	[PINWATCH_A_MM] = NLA_POLICY_MIN(NLA_U64, 1),
};

/* Without a policy, 5.10 would accept any attributes. */
static const struct nla_policy no_policy[] = {
	[PINWATCH_A_PAD] = { .type = NLA_REJECT },
};

/* 5.10 does not check the reserved member. */
static int header_check(const struct nlmsghdr *nlh, struct netlink_ext_ack *extack)
{
	const struct genlmsghdr *header = nlmsg_data(nlh);

	if (!header->reserved)
		return 0;
	NL_SET_ERR_MSG_MOD(extack, "the reserved member of the header is not 0");
	return -EINVAL;
}

static struct sk_buff *reply_begin(struct genl_info *info, void **header)
{
	struct sk_buff *skb;
	int err;

	err = header_check(info->nlhdr, info->extack);
	if (err)
		return ERR_PTR(err);
	skb = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!skb)
		return ERR_PTR(-ENOMEM);
	*header = genlmsg_put_reply(skb, info, &pw_genl_family, 0, info->genlhdr->cmd);
	return skb;
}

static int reply_end(struct genl_info *info, struct sk_buff *skb, void *header, int err)
{
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	genlmsg_end(skb, header);
	return genlmsg_reply(skb, info);
}

static int watch_put(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr **attrs = info->attrs;
	struct pinwatch_watch_query watch = { .id = nla_get_u32(attrs[PINWATCH_A_ID]) };
	struct pw_file *file = pw_file_find(nla_get_u32(attrs[PINWATCH_A_FILE]));
	int err;

	if (!file) {
		NL_SET_ERR_MSG_ATTR(info->extack, attrs[PINWATCH_A_FILE],
				    "pinwatch: PINWATCH_A_FILE: no such open file");
		return -ENOENT;
	}
	err = pw_query_watch(file, &watch);
	if (err)
		NL_SET_ERR_MSG_ATTR(info->extack, attrs[PINWATCH_A_ID],
				    "pinwatch: PINWATCH_A_ID: no such watch in that file");
	else
		err = pw_message_watch(skb, file, &watch);
	pw_file_put(file);
	return err;
}

static int watch_doit(struct sk_buff *request, struct genl_info *info)
{
	struct sk_buff *skb;
	void *header;

	if (GENL_REQ_ATTR_CHECK(info, PINWATCH_A_FILE)) {
		NL_SET_ERR_MSG_MOD(info->extack, "PINWATCH_A_FILE is missing");
		return -EINVAL;
	}
	if (GENL_REQ_ATTR_CHECK(info, PINWATCH_A_ID)) {
		NL_SET_ERR_MSG_MOD(info->extack, "PINWATCH_A_ID is missing");
		return -EINVAL;
	}
	skb = reply_begin(info, &header);
	if (IS_ERR(skb))
		return PTR_ERR(skb);
	return reply_end(info, skb, header, watch_put(skb, info));
}

/* The position of a dump of watches, in netlink_callback.ctx */
struct watch_cursor {
	bool begun;
	unsigned long file;
	unsigned long only;	/* number of the file to dump; 0: all files */
	unsigned long id;
};

/*
 * Called by the first dumpit and not by start: before 6.2, the kernel drops the message
 * of a start that fails. The message that ends the dump then carries the text, without
 * the attribute.
 */
static int watch_begin(struct netlink_callback *cb)
{
	struct watch_cursor *cursor = (void *)cb->ctx;
	struct nlattr **attrs = pw_dump_attrs(cb);
	struct pw_file *file;

	BUILD_BUG_ON(sizeof(*cursor) > sizeof(cb->ctx));
	if (attrs[PINWATCH_A_ID]) {
		NL_SET_ERR_MSG_ATTR(cb->extack, attrs[PINWATCH_A_ID],
				    "pinwatch: PINWATCH_A_ID: not with a dump");
		return -EINVAL;
	}
	if (attrs[PINWATCH_A_FILE]) {
		cursor->only = nla_get_u32(attrs[PINWATCH_A_FILE]);
		cursor->file = cursor->only;
		file = pw_file_find(cursor->only);
		if (!file) {
			NL_SET_ERR_MSG_ATTR(cb->extack, attrs[PINWATCH_A_FILE],
					    "pinwatch: PINWATCH_A_FILE: no such open file");
			return -ENOENT;
		}
		pw_file_put(file);
	}
	cursor->begun = true;
	return header_check(cb->nlh, cb->extack);
}

static void *dump_begin(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd)
{
	return genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq, &pw_genl_family,
			   NLM_F_MULTI, cmd);
}

static int dump_end(struct sk_buff *skb, void *header, int err)
{
	if (!err)
		genlmsg_end(skb, header);
	else
		genlmsg_cancel(skb, header);
	return err;
}

static int watch_dump_file(struct sk_buff *skb, struct netlink_callback *cb,
			   struct pw_file *file)
{
	struct watch_cursor *cursor = (void *)cb->ctx;
	struct pinwatch_watch_query watch = { .flags = PINWATCH_QUERY_F_NEXT };
	void *header;
	int err;

	for (;;) {
		watch.id = cursor->id;
		if (pw_query_watch(file, &watch))
			return 0;
		header = dump_begin(skb, cb, PINWATCH_CMD_WATCH_GET);
		if (!header)
			return -EMSGSIZE;
		err = dump_end(skb, header, pw_message_watch(skb, file, &watch));
		if (err)
			return err;
		cursor->id = watch.id + 1UL;
	}
}

static int watch_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct watch_cursor *cursor = (void *)cb->ctx;
	struct pw_file *file;
	unsigned long number, max;
	int err = cursor->begun ? 0 : watch_begin(cb);

	if (err)
		return err;
	number = cursor->file;
	max = cursor->only ?: ULONG_MAX;
	while (!err && (file = pw_file_next(&number, max))) {
		/* The file in which the last call stopped was closed: begin the next one. */
		if (number != cursor->file)
			cursor->id = 0;
		cursor->file = number;
		err = watch_dump_file(skb, cb, file);
		pw_file_put(file);
		if (!err) {
			cursor->file = ++number;
			cursor->id = 0;
		}
		cond_resched();
	}
	return err && !skb->len ? err : skb->len;
}

/* The number of the address space to find, and the reply */
struct mm_search {
	struct sk_buff *skb;
	u64 number;
};

static int mm_put(const struct pw_mm_stats *mm, void *data)
{
	struct mm_search *search = data;

	return mm->number == search->number ? pw_message_mm(search->skb, mm) : -ENOENT;
}

static int mm_doit(struct sk_buff *request, struct genl_info *info)
{
	struct nlattr *number = info->attrs[PINWATCH_A_MM];
	struct mm_search search;
	int ret = -ENOENT;
	unsigned int i;
	void *header;
	u64 next;

	if (GENL_REQ_ATTR_CHECK(info, PINWATCH_A_MM)) {
		NL_SET_ERR_MSG_MOD(info->extack, "PINWATCH_A_MM is missing");
		return -EINVAL;
	}
	search.number = nla_get_u64(number);
	search.skb = reply_begin(info, &header);
	if (IS_ERR(search.skb))
		return PTR_ERR(search.skb);
	for (i = 0; ret == -ENOENT && i < BIT(PW_MM_HASH_BITS); i++) {
		next = search.number;
		ret = pw_mm_stats_next(i, &next, mm_put, &search);
	}
	if (ret == -ENOENT)
		NL_SET_ERR_MSG_ATTR(info->extack, number,
				    "pinwatch: PINWATCH_A_MM: no such address space");
	return reply_end(info, search.skb, header, ret);
}

/* The position of a dump of address spaces, in netlink_callback.ctx */
struct mm_cursor {
	bool begun;
	unsigned int bucket;
	u64 number;		/* the lowest to dump in the bucket */
};

struct mm_dump {
	struct sk_buff *skb;
	struct netlink_callback *cb;
};

static int mm_begin(struct netlink_callback *cb)
{
	struct mm_cursor *cursor = (void *)cb->ctx;
	struct nlattr **attrs = pw_dump_attrs(cb);

	BUILD_BUG_ON(sizeof(*cursor) > sizeof(cb->ctx));
	if (attrs[PINWATCH_A_MM]) {
		NL_SET_ERR_MSG_ATTR(cb->extack, attrs[PINWATCH_A_MM],
				    "pinwatch: PINWATCH_A_MM: not with a dump");
		return -EINVAL;
	}
	cursor->begun = true;
	return header_check(cb->nlh, cb->extack);
}

static int mm_dump(const struct pw_mm_stats *mm, void *data)
{
	struct mm_dump *dump = data;
	void *header;

	header = dump_begin(dump->skb, dump->cb, PINWATCH_CMD_MM_GET);
	if (!header)
		return -EMSGSIZE;
	genl_dump_check_consistent(dump->cb, header);
	return dump_end(dump->skb, header, pw_message_mm(dump->skb, mm));
}

static int mm_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct mm_dump dump = { .skb = skb, .cb = cb };
	struct mm_cursor *cursor = (void *)cb->ctx;
	int err = cursor->begun ? 0 : mm_begin(cb);

	if (err)
		return err;
	/* The kernel sets NLM_F_DUMP_INTR if the value changes, and ignores the value 0. */
	cb->seq = pw_mm_hash_changes() ?: 1;
	while (!err && cursor->bucket < BIT(PW_MM_HASH_BITS)) {
		err = pw_mm_stats_next(cursor->bucket, &cursor->number, mm_dump, &dump);
		if (!err) {
			cursor->number++;
		} else if (err == -ENOENT) {
			cursor->bucket++;
			cursor->number = 0;
			err = 0;
		}
	}
	return err && !skb->len ? err : skb->len;
}

static int stats_doit(struct sk_buff *request, struct genl_info *info)
{
	struct sk_buff *skb;
	void *header;

	skb = reply_begin(info, &header);
	if (IS_ERR(skb))
		return PTR_ERR(skb);
	return reply_end(info, skb, header, pw_message_stats(skb));
}

const struct genl_ops pw_request_ops[PW_NR_REQUESTS] = {
	{
		.cmd = PINWATCH_CMD_WATCH_GET,
		.flags = GENL_ADMIN_PERM,
		.policy = watch_policy,
		.maxattr = ARRAY_SIZE(watch_policy) - 1,
		.doit = watch_doit,
		.dumpit = watch_dumpit,
	},
	{
		.cmd = PINWATCH_CMD_MM_GET,
		.flags = GENL_ADMIN_PERM,
		.policy = mm_policy,
		.maxattr = ARRAY_SIZE(mm_policy) - 1,
		.doit = mm_doit,
		.dumpit = mm_dumpit,
	},
	{
		.cmd = PINWATCH_CMD_STATS_GET,
		.flags = GENL_ADMIN_PERM,
		.policy = no_policy,
		.maxattr = ARRAY_SIZE(no_policy) - 1,
		.doit = stats_doit,
	},
};
