// SPDX-License-Identifier: MIT
/* Client of the netlink family. See netlink.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include "netlink.h"

#define RECEIVE_BUFFER	(8 << 20)

struct netlink {
	struct nl_sock *socket;
	int family;
	netlink_fn *each;	/* argument of the current call */
	void *data;		/* argument of the current call */
	int error;		/* 0 or -errno of the current dump */
};

/* Returns 0 or -errno for a libnl error. */
static int to_errno(int err)
{
	static const struct { int nl, error; } errors[] = {
		{ NLE_INTR, EINTR },
		{ NLE_BAD_SOCK, EBADF },
		{ NLE_AGAIN, EAGAIN },
		{ NLE_NOMEM, ENOBUFS },
		{ NLE_EXIST, EEXIST },
		{ NLE_INVAL, EINVAL },
		{ NLE_RANGE, ERANGE },
		{ NLE_OPNOTSUPP, EOPNOTSUPP },
		{ NLE_OBJ_NOTFOUND, ENOENT },
		{ NLE_PERM, EPERM },
		{ NLE_NOACCESS, EACCES },
		{ NLE_BUSY, EBUSY },
	};
	size_t i;

	if (err >= 0)
		return 0;
	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].nl == -err)
			return -errors[i].error;
	return -EIO;
}

static int message_each(struct nl_msg *msg, void *arg)
{
	struct netlink_message message;
	struct netlink *nl = arg;

	if (nlmsg_hdr(msg)->nlmsg_type == nl->family &&
	    !genlmsg_parse(nlmsg_hdr(msg), 0, message.at, PINWATCH_A_MAX, NULL))
		nl->each(&message, nl->data);
	return NL_OK;
}

/* The last message of a dump contains an error, which libnl ignores. */
static int message_finish(struct nl_msg *msg, void *arg)
{
	struct netlink *nl = arg;

	if (nlmsg_datalen(nlmsg_hdr(msg)) >= (int)sizeof(nl->error))
		memcpy(&nl->error, nlmsg_data(nlmsg_hdr(msg)), sizeof(nl->error));
	return NL_STOP;
}

static int socket_prepare(struct netlink *nl)
{
	int err, size = RECEIVE_BUFFER;

	err = genl_connect(nl->socket);
	if (err < 0)
		return to_errno(err);
	nl->family = genl_ctrl_resolve(nl->socket, PINWATCH_GENL_NAME);
	if (nl->family < 0)
		return to_errno(nl->family);
	/* Works for root only. Otherwise the default size remains. */
	(void)setsockopt(nl_socket_get_fd(nl->socket), SOL_SOCKET, SO_RCVBUFFORCE, &size,
			 sizeof(size));
	nl_socket_modify_cb(nl->socket, NL_CB_VALID, NL_CB_CUSTOM, message_each, nl);
	nl_socket_modify_cb(nl->socket, NL_CB_FINISH, NL_CB_CUSTOM, message_finish, nl);
	return 0;
}

int netlink_open(struct netlink **out)
{
	struct netlink *nl = calloc(1, sizeof(*nl));
	int ret = -ENOMEM;

	if (!nl)
		return ret;
	nl->socket = nl_socket_alloc();
	if (nl->socket)
		ret = socket_prepare(nl);
	if (ret)
		netlink_close(nl);
	else
		*out = nl;
	return ret;
}

void netlink_close(struct netlink *nl)
{
	nl_socket_free(nl->socket);
	free(nl);
}

int netlink_join(struct netlink *nl, const char *group)
{
	int ret = genl_ctrl_resolve_grp(nl->socket, PINWATCH_GENL_NAME, group);

	if (ret < 0)
		return to_errno(ret);
	/* Events have no sequence number of a request. */
	nl_socket_disable_seq_check(nl->socket);
	return to_errno(nl_socket_add_membership(nl->socket, ret));
}

static struct nl_msg *dump_message(const struct netlink *nl, int cmd, uint32_t file)
{
	struct nl_msg *msg = nlmsg_alloc();

	if (!msg)
		return NULL;
	if (genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, nl->family, 0, NLM_F_DUMP,
			(uint8_t)cmd, PINWATCH_GENL_VERSION) &&
	    !(file && nla_put_u32(msg, PINWATCH_A_FILE, file)))
		return msg;
	nlmsg_free(msg);
	return NULL;
}

int netlink_dump(struct netlink *nl, int cmd, uint32_t file, netlink_fn *each, void *data)
{
	struct nl_msg *msg = dump_message(nl, cmd, file);
	int err;

	if (!msg)
		return -ENOMEM;
	nl->each = each;
	nl->data = data;
	nl->error = 0;
	err = nl_send_auto(nl->socket, msg);
	nlmsg_free(msg);
	if (err >= 0)
		err = nl_recvmsgs_default(nl->socket);
	/* Objects came or went during the dump. Each object that stayed was dumped. */
	if (err == -NLE_DUMP_INTR)
		err = 0;
	return err < 0 ? to_errno(err) : nl->error;
}

int netlink_receive(struct netlink *nl, netlink_fn *each, void *data)
{
	nl->each = each;
	nl->data = data;
	return to_errno(nl_recvmsgs_default(nl->socket));
}

/* A module of another version may send longer or shorter attributes. */
static bool has(const struct netlink_message *message, int attr, int size)
{
	return message->at[attr] && nla_len(message->at[attr]) >= size;
}

uint64_t netlink_u64(const struct netlink_message *message, int attr)
{
	return has(message, attr, sizeof(uint64_t)) ? nla_get_u64(message->at[attr]) : 0;
}

uint32_t netlink_u32(const struct netlink_message *message, int attr)
{
	return has(message, attr, sizeof(uint32_t)) ? nla_get_u32(message->at[attr]) : 0;
}

const char *netlink_string(const struct netlink_message *message, int attr)
{
	const char *text = has(message, attr, 1) ? nla_get_string(message->at[attr]) : "";

	return !text[0] || !text[nla_len(message->at[attr]) - 1] ? text : "";
}
