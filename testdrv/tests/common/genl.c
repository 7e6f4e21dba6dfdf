// SPDX-License-Identifier: MIT
/* See genl.h. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "genl.h"
#include "test.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK	270
#endif

#define WAIT_SECONDS	20

static char buffer[1 << 16];	/* the last datagram */

static const struct nlattr *attr_next(const struct nlattr *attr)
{
	return (const void *)((const char *)attr + NLA_ALIGN(attr->nla_len));
}

static const void *attr_data(const struct nlattr *attr)
{
	return (const char *)attr + NLA_HDRLEN;
}

/* Call @fn for each attribute between @attr and @end. */
static void attrs_each(const void *attr, const void *end,
		       void (*fn)(const struct nlattr *attr, void *data), void *data)
{
	const struct nlattr *at = attr;

	while ((const char *)at + NLA_HDRLEN <= (const char *)end) {
		CHECK(at->nla_len >= NLA_HDRLEN);
		CHECK((const char *)at + at->nla_len <= (const char *)end);
		fn(at, data);
		at = attr_next(at);
	}
}

void genl_socket(struct genl *genl)
{
	const struct timeval wait = { .tv_sec = WAIT_SECONDS };
	int on = 1;

	*genl = (struct genl){ .fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC,
					    NETLINK_GENERIC) };
	CHECK(genl->fd >= 0);
	CHECK_EQ(setsockopt(genl->fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on)), 0);
	CHECK_EQ(setsockopt(genl->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)), 0);
}

void genl_open(struct genl *genl)
{
	genl_socket(genl);
	CHECK_EQ(genl_resolve(genl), 0);
}

void genl_close(struct genl *genl)
{
	close(genl->fd);
	genl->fd = -1;
}

int genl_join(const struct genl *genl, uint32_t group)
{
	return setsockopt(genl->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group,
			  sizeof(group)) ? -errno : 0;
}

static void header_begin(struct genl_request *request, uint16_t type, uint8_t cmd,
			 uint16_t flags)
{
	struct genlmsghdr header = { .cmd = cmd, .version = PINWATCH_GENL_VERSION };

	memset(request, 0, sizeof(*request));
	request->header.nlmsg_type = type;
	request->header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	memcpy(request->bytes + NLMSG_HDRLEN, &header, sizeof(header));
	request->header.nlmsg_len = NLMSG_HDRLEN + sizeof(header);
}

void request_begin(struct genl_request *request, const struct genl *genl, uint8_t cmd,
		   uint16_t flags)
{
	header_begin(request, genl->family, cmd, flags);
}

void request_put(struct genl_request *request, uint16_t type, const void *data,
		 size_t length)
{
	struct nlattr attr = { .nla_type = type, .nla_len = (uint16_t)(NLA_HDRLEN + length) };
	char *at = request->bytes + request->header.nlmsg_len;

	CHECK(request->header.nlmsg_len + NLA_HDRLEN + NLA_ALIGN(length) <=
	      sizeof(request->bytes));
	memcpy(at, &attr, sizeof(attr));
	memcpy(at + NLA_HDRLEN, data, length);
	request->header.nlmsg_len += NLA_HDRLEN + NLA_ALIGN(length);
}

void request_u32(struct genl_request *request, uint16_t type, uint32_t value)
{
	request_put(request, type, &value, sizeof(value));
}

void request_u64(struct genl_request *request, uint16_t type, uint64_t value)
{
	request_put(request, type, &value, sizeof(value));
}

static void ack_attr(const struct nlattr *attr, void *data)
{
	struct genl_ack *ack = data;

	if (attr->nla_type == NLMSGERR_ATTR_MSG)
		strncpy(ack->text, attr_data(attr), sizeof(ack->text) - 1);
	if (attr->nla_type == NLMSGERR_ATTR_OFFS) {
		ack->has_offset = true;
		memcpy(&ack->offset, attr_data(attr), sizeof(ack->offset));
	}
}

static void ack_parse(const struct nlmsghdr *header, struct genl_ack *ack)
{
	const char *data = (const char *)header + NLMSG_HDRLEN;
	size_t skip = sizeof(int32_t);	/* the end of a dump: a number */

	memset(ack, 0, sizeof(*ack));
	memcpy(&ack->error, data, sizeof(ack->error));
	if (header->nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *error = (const void *)data;

		skip = sizeof(*error);
		if (!(header->nlmsg_flags & NLM_F_CAPPED))
			skip += error->msg.nlmsg_len - NLMSG_HDRLEN;
	}
	if (header->nlmsg_flags & NLM_F_ACK_TLVS)
		attrs_each(data + NLMSG_ALIGN(skip), (const char *)header + header->nlmsg_len,
			   ack_attr, ack);
}

static void message_attr(const struct nlattr *attr, void *data)
{
	struct genl_message *message = data;

	if (attr->nla_type <= PINWATCH_A_MAX)
		message->at[attr->nla_type] = attr;
}

static void message_parse(const struct nlmsghdr *header, struct genl_message *message)
{
	const struct genlmsghdr *genl = (const void *)((const char *)header + NLMSG_HDRLEN);

	memset(message, 0, sizeof(*message));
	message->cmd = genl->cmd;
	attrs_each((const char *)genl + GENL_HDRLEN,
		   (const char *)header + header->nlmsg_len, message_attr, message);
}

/* Into the buffer. Bytes or -errno. */
static ssize_t receive(const struct genl *genl)
{
	size_t size = genl->receive_size ? genl->receive_size : sizeof(buffer);
	ssize_t length = recv(genl->fd, buffer, size, 0);

	return length < 0 ? -errno : length;
}

/* True: end of the answers. */
static bool answer(const struct nlmsghdr *header, struct genl_ack *ack,
		   void (*each)(const struct genl_message *message, void *data), void *data)
{
	struct genl_message message;

	if (header->nlmsg_type == NLMSG_ERROR || header->nlmsg_type == NLMSG_DONE) {
		ack_parse(header, ack);
		return true;
	}
	message_parse(header, &message);
	if (each)
		each(&message, data);
	return false;
}

int genl_ask(struct genl *genl, struct genl_request *request, struct genl_ack *ack,
	     void (*each)(const struct genl_message *message, void *data), void *data)
{
	const struct nlmsghdr *header;
	bool done = false;
	ssize_t length;

	request->header.nlmsg_seq = ++genl->seq;
	length = request->header.nlmsg_len;
	CHECK_EQ(send(genl->fd, request, (size_t)length, 0), length);
	genl->interrupted = false;
	while (!done) {
		length = receive(genl);
		if (length < 0)
			return ack->error = (int)length;
		for (header = (const void *)buffer; !done && NLMSG_OK(header, length);
		     header = NLMSG_NEXT(header, length))
			if (header->nlmsg_seq == genl->seq) {
				genl->interrupted |= !!(header->nlmsg_flags & NLM_F_DUMP_INTR);
				done = answer(header, ack, each, data);
			}
	}
	return ack->error;
}

int genl_event(struct genl *genl, struct genl_message *message)
{
	const struct nlmsghdr *header = (const void *)buffer;
	ssize_t length = receive(genl);

	if (length < 0)
		return (int)length;
	/* One message for each datagram. */
	CHECK(NLMSG_OK(header, length));
	CHECK_EQ(header->nlmsg_type, genl->family);
	CHECK_EQ(header->nlmsg_seq, 0);
	message_parse(header, message);
	return 0;
}

struct group {
	uint32_t id;
	char name[GENL_NAMSIZ];
};

static void group_attr(const struct nlattr *attr, void *data)
{
	struct group *group = data;

	if (attr->nla_type == CTRL_ATTR_MCAST_GRP_ID)
		memcpy(&group->id, attr_data(attr), sizeof(group->id));
	if (attr->nla_type == CTRL_ATTR_MCAST_GRP_NAME)
		strncpy(group->name, attr_data(attr), sizeof(group->name) - 1);
}

static void groups_attr(const struct nlattr *attr, void *data)
{
	struct group group = { 0 };
	struct genl *genl = data;

	attrs_each(attr_data(attr), (const char *)attr + attr->nla_len, group_attr, &group);
	if (!strcmp(group.name, PINWATCH_GENL_GROUP_EVENTS))
		genl->events = group.id;
	if (!strcmp(group.name, PINWATCH_GENL_GROUP_ACTORS))
		genl->actors = group.id;
}

static void family_each(const struct genl_message *message, void *data)
{
	const struct nlattr *groups = message->at[CTRL_ATTR_MCAST_GROUPS];
	const struct nlattr *id = message->at[CTRL_ATTR_FAMILY_ID];
	struct genl *genl = data;

	CHECK(id && groups);
	memcpy(&genl->family, attr_data(id), sizeof(genl->family));
	attrs_each(attr_data(groups), (const char *)groups + groups->nla_len, groups_attr, genl);
}

int genl_resolve(struct genl *genl)
{
	struct genl_request request;
	struct genl_ack ack;

	genl->family = 0;
	header_begin(&request, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
	request_put(&request, CTRL_ATTR_FAMILY_NAME, PINWATCH_GENL_NAME,
		    sizeof(PINWATCH_GENL_NAME));
	if (genl_ask(genl, &request, &ack, family_each, genl))
		return ack.error;
	CHECK(genl->family && genl->events && genl->actors);
	return 0;
}

uint32_t message_u32(const struct genl_message *message, int attr)
{
	uint32_t value;

	if (!message->at[attr])
		FAIL("attribute %d is missing", attr);
	CHECK_EQ(message->at[attr]->nla_len, NLA_HDRLEN + sizeof(value));
	memcpy(&value, attr_data(message->at[attr]), sizeof(value));
	return value;
}

uint64_t message_u64(const struct genl_message *message, int attr)
{
	uint64_t value;

	if (!message->at[attr])
		FAIL("attribute %d is missing", attr);
	CHECK_EQ(message->at[attr]->nla_len, NLA_HDRLEN + sizeof(value));
	memcpy(&value, attr_data(message->at[attr]), sizeof(value));
	return value;
}

const char *message_string(const struct genl_message *message, int attr)
{
	const struct nlattr *at = message->at[attr];

	if (!at)
		FAIL("attribute %d is missing", attr);
	CHECK(memchr(attr_data(at), '\0', at->nla_len - NLA_HDRLEN));
	return attr_data(at);
}
