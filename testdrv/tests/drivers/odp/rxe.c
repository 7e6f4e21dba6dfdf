// SPDX-License-Identifier: MIT
/* rxe_add() does what "rdma link add rxe0 type rxe netdev dummy0" does. */
#include <errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <rdma/rdma_netlink.h>
#include <unistd.h>

#include "rxe.h"

static struct nl_msg *rxe_message(void)
{
	struct nl_msg *msg;

	msg = nlmsg_alloc_simple(RDMA_NL_GET_TYPE(RDMA_NL_NLDEV, RDMA_NLDEV_CMD_NEWLINK),
				 NLM_F_REQUEST | NLM_F_ACK);
	if (!msg)
		return NULL;
	if (!nla_put_string(msg, RDMA_NLDEV_ATTR_DEV_NAME, RXE_DEVICE) &&
	    !nla_put_string(msg, RDMA_NLDEV_ATTR_LINK_TYPE, "rxe") &&
	    !nla_put_string(msg, RDMA_NLDEV_ATTR_NDEV_NAME, RXE_INTERFACE))
		return msg;
	nlmsg_free(msg);
	return NULL;
}

static int rxe_send(struct nl_sock *sock)
{
	struct nl_msg *msg = rxe_message();

	if (!msg)
		return -ENOMEM;
	/* Frees @msg. The error is one of libnl's. */
	return nl_send_sync(sock, msg) < 0 ? -EIO : 0;
}

int rxe_add(void)
{
	struct nl_sock *sock;
	int ret = -EIO;

	if (!access("/sys/class/infiniband/" RXE_DEVICE, F_OK))
		return 0;
	sock = nl_socket_alloc();
	if (!sock)
		return -ENOMEM;
	if (!nl_connect(sock, NETLINK_RDMA))
		ret = rxe_send(sock);
	nl_socket_free(sock);
	return ret;
}
