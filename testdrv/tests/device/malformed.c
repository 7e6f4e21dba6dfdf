// SPDX-License-Identifier: MIT
/* Malformed netlink requests: each is refused with a text and an offset. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "device.h"
#include "genl.h"

#define NR_RANDOM	2000

/* Existing values */
#define A_FILE		(1ULL << 63)
#define AN_MM		(1ULL << 63 | 1)

/* In the tables below, 0 is the end. */
#define TYPE_0		0x4000

struct attr {
	uint16_t type;
	uint16_t length;
	uint64_t value;
};

static const struct bad {
	const char *name;
	uint8_t cmd;
	uint16_t flags;
	struct attr attrs[2];
	int error;
	unsigned int culprit;	/* number of the bad attribute, from 1; 0: none */
	const char *text;	/* part of the text; NULL: any text */
} bads[] = {
	{ "watch: nothing", PINWATCH_CMD_WATCH_GET, 0, { { 0 } },
	  EINVAL, 0, "PINWATCH_A_FILE is missing" },
	{ "watch: no id", PINWATCH_CMD_WATCH_GET, 0, { { PINWATCH_A_FILE, 4, A_FILE } },
	  EINVAL, 0, "PINWATCH_A_ID is missing" },
	{ "watch: no file", PINWATCH_CMD_WATCH_GET, 0, { { PINWATCH_A_ID, 4, 0 } },
	  EINVAL, 0, "PINWATCH_A_FILE is missing" },
	{ "watch: file empty", PINWATCH_CMD_WATCH_GET, 0, { { PINWATCH_A_FILE, 0, 0 } },
	  EINVAL, 1, NULL },
	{ "watch: file too short", PINWATCH_CMD_WATCH_GET, 0,
	  { { PINWATCH_A_FILE, 2, 1 }, { PINWATCH_A_ID, 4, 0 } }, EINVAL, 1, NULL },
	{ "watch: file too long", PINWATCH_CMD_WATCH_GET, 0,
	  { { PINWATCH_A_FILE, 8, 1 }, { PINWATCH_A_ID, 4, 0 } }, EINVAL, 1, NULL },
	{ "watch: id too long", PINWATCH_CMD_WATCH_GET, 0,
	  { { PINWATCH_A_FILE, 4, A_FILE }, { PINWATCH_A_ID, 5, 0 } }, EINVAL, 2, NULL },
	{ "watch: file 0", PINWATCH_CMD_WATCH_GET, 0,
	  { { PINWATCH_A_FILE, 4, 0 }, { PINWATCH_A_ID, 4, 0 } }, ERANGE, 1, NULL },
	{ "watch: id out of range", PINWATCH_CMD_WATCH_GET, 0,
	  { { PINWATCH_A_FILE, 4, A_FILE }, { PINWATCH_A_ID, 4, 1048577 } }, ERANGE, 2, NULL },
	{ "watch: id -1", PINWATCH_CMD_WATCH_GET, 0,
	  { { PINWATCH_A_FILE, 4, A_FILE }, { PINWATCH_A_ID, 4, ~0U } }, ERANGE, 2, NULL },
	{ "watch: no such file", PINWATCH_CMD_WATCH_GET, 0,
	  { { PINWATCH_A_ID, 4, 0 }, { PINWATCH_A_FILE, 4, 0x7ffffffe } },
	  ENOENT, 2, "PINWATCH_A_FILE" },
	{ "watch: no such id", PINWATCH_CMD_WATCH_GET, 0,
	  { { PINWATCH_A_ID, 4, 1048576 }, { PINWATCH_A_FILE, 4, A_FILE } },
	  ENOENT, 1, "PINWATCH_A_ID" },
	{ "watch: file is a nest", PINWATCH_CMD_WATCH_GET, 0,
	  { { PINWATCH_A_FILE | NLA_F_NESTED, 4, 1 } }, EINVAL, 1, NULL },
	{ "watch: another command's attribute", PINWATCH_CMD_WATCH_GET, 0,
	  { { PINWATCH_A_FILE, 4, A_FILE }, { PINWATCH_A_MM, 8, 1 } }, EINVAL, 2, NULL },
	{ "watch: padding", PINWATCH_CMD_WATCH_GET, 0, { { PINWATCH_A_PAD, 0, 0 } },
	  EINVAL, 1, NULL },
	{ "watch: attribute 0", PINWATCH_CMD_WATCH_GET, 0, { { TYPE_0, 4, 0 } },
	  EINVAL, 1, NULL },
	{ "watch: unknown attribute", PINWATCH_CMD_WATCH_GET, 0,
	  { { PINWATCH_A_FILE, 4, A_FILE }, { PINWATCH_A_MAX + 1, 4, 0 } }, EINVAL, 2, NULL },
	/* When the dump callback refuses, older kernels drop the offset. */
	{ "watches: id", PINWATCH_CMD_WATCH_GET, NLM_F_DUMP, { { PINWATCH_A_ID, 4, 0 } },
	  EINVAL, 0, "PINWATCH_A_ID" },
	{ "watches: file 0", PINWATCH_CMD_WATCH_GET, NLM_F_DUMP, { { PINWATCH_A_FILE, 4, 0 } },
	  ERANGE, 1, NULL },
	{ "watches: no such file", PINWATCH_CMD_WATCH_GET, NLM_F_DUMP,
	  { { PINWATCH_A_FILE, 4, 0x7ffffffe } }, ENOENT, 0, "PINWATCH_A_FILE" },
	{ "watches: unknown attribute", PINWATCH_CMD_WATCH_GET, NLM_F_DUMP,
	  { { 1000, 4, 0 } }, EINVAL, 1, NULL },
	{ "mm: nothing", PINWATCH_CMD_MM_GET, 0, { { 0 } },
	  EINVAL, 0, "PINWATCH_A_MM is missing" },
	{ "mm: too short", PINWATCH_CMD_MM_GET, 0, { { PINWATCH_A_MM, 4, 1 } },
	  EINVAL, 1, NULL },
	{ "mm: 0", PINWATCH_CMD_MM_GET, 0, { { PINWATCH_A_MM, 8, 0 } }, ERANGE, 1, NULL },
	{ "mm: no such", PINWATCH_CMD_MM_GET, 0, { { PINWATCH_A_MM, 8, ~0ULL >> 1 } },
	  ENOENT, 1, "PINWATCH_A_MM" },
	{ "mm: file", PINWATCH_CMD_MM_GET, 0,
	  { { PINWATCH_A_MM, 8, AN_MM }, { PINWATCH_A_FILE, 4, A_FILE } }, EINVAL, 2, NULL },
	{ "mms: mm", PINWATCH_CMD_MM_GET, NLM_F_DUMP, { { PINWATCH_A_MM, 8, AN_MM } },
	  EINVAL, 0, "PINWATCH_A_MM" },
	{ "stats: file", PINWATCH_CMD_STATS_GET, 0, { { PINWATCH_A_FILE, 4, A_FILE } },
	  EINVAL, 1, NULL },
	{ "stats: padding", PINWATCH_CMD_STATS_GET, 0, { { PINWATCH_A_PAD, 0, 0 } },
	  EINVAL, 1, NULL },
	{ "stats: a dump", PINWATCH_CMD_STATS_GET, NLM_F_DUMP, { { 0 } },
	  EOPNOTSUPP, 0, NULL },
	{ "an event", PINWATCH_CMD_EVENT, 0, { { 0 } }, EOPNOTSUPP, 0, NULL },
	{ "events", PINWATCH_CMD_EVENT, NLM_F_DUMP, { { 0 } }, EOPNOTSUPP, 0, NULL },
	{ "command 0", 0, 0, { { 0 } }, EOPNOTSUPP, 0, NULL },
	{ "unknown command", PINWATCH_CMD_MAX + 1, 0, { { 0 } }, EOPNOTSUPP, 0, NULL },
	{ "the last command", 255, NLM_F_DUMP, { { 0 } }, EOPNOTSUPP, 0, NULL },
};

#define NR_BADS	(sizeof(bads) / sizeof(bads[0]))

struct place {
	struct genl genl;
	uint32_t file;
	uint64_t mm;
};

static void seen_number(const struct genl_message *message, void *data)
{
	struct place *place = data;

	if (message->cmd == PINWATCH_CMD_WATCH_GET)
		place->file = message_u32(message, PINWATCH_A_FILE);
	else
		place->mm = message_u64(message, PINWATCH_A_MM);
}

/* A watch with id 0, and the number of its file. */
static void place_make(struct place *place)
{
	struct genl_request request;
	struct genl_ack ack;

	*place = (struct place){ .file = 0 };
	add(open_device(0), map_pages(1), page_size(), WATCH, 0);
	genl_open(&place->genl);
	request_begin(&request, &place->genl, PINWATCH_CMD_WATCH_GET, NLM_F_DUMP);
	CHECK_EQ(genl_ask(&place->genl, &request, &ack, seen_number, place), 0);
	request_begin(&request, &place->genl, PINWATCH_CMD_MM_GET, NLM_F_DUMP);
	CHECK_EQ(genl_ask(&place->genl, &request, &ack, seen_number, place), 0);
	CHECK(place->file && place->mm);
}

static void check_valid(struct place *place)
{
	struct genl_request request;
	struct genl_ack ack;

	request_begin(&request, &place->genl, PINWATCH_CMD_WATCH_GET, 0);
	request_u32(&request, PINWATCH_A_FILE, place->file);
	request_u32(&request, PINWATCH_A_ID, 0);
	CHECK_EQ(genl_ask(&place->genl, &request, &ack, NULL, NULL), 0);
}

/* Returns the offset of the bad attribute. */
static uint32_t bad_make(const struct bad *bad, const struct place *place,
			 struct genl_request *request)
{
	uint32_t offset = 0;
	size_t i;

	request_begin(request, &place->genl, bad->cmd, bad->flags);
	for (i = 0; i < 2 && bad->attrs[i].type; i++) {
		uint64_t value = bad->attrs[i].value;

		if (value == A_FILE)
			value = place->file;
		if (value == AN_MM)
			value = place->mm;
		if (i + 1 == bad->culprit)
			offset = request->header.nlmsg_len;
		/* Little-endian: the low bytes come first. */
		request_put(request, bad->attrs[i].type & ~TYPE_0, &value,
			    bad->attrs[i].length);
	}
	return offset;
}

static void bad_check(const struct bad *bad, const struct genl_ack *ack, uint32_t offset)
{
	if (ack->error != -bad->error)
		FAIL("%s: error %d, not %d: %s", bad->name,
		     ack->error, -bad->error, ack->text);
	if (bad->culprit && (!ack->has_offset || ack->offset != offset))
		FAIL("%s: names offset %d, not %u: %s", bad->name,
		     ack->has_offset ? (int)ack->offset : -1, offset,
		     ack->text);
	if (bad->error != EOPNOTSUPP && !ack->text[0])
		FAIL("%s: says nothing", bad->name);
	if (bad->text && !strstr(ack->text, bad->text))
		FAIL("%s: says '%s', not '%s'", bad->name,
		     ack->text, bad->text);
}

TEST(malformed_attributes_are_named)
{
	struct genl_request request;
	struct genl_ack ack;
	struct place place;
	uint32_t offset;
	size_t i;

	place_make(&place);
	for (i = 0; i < NR_BADS; i++) {
		offset = bad_make(&bads[i], &place, &request);
		genl_ask(&place.genl, &request, &ack, NULL, NULL);
		bad_check(&bads[i], &ack, offset);
		check_valid(&place);
	}
}

TEST(malformed_reserved_einval)
{
	static const uint16_t flags[] = { 0, NLM_F_DUMP };
	struct genl_request request;
	struct genl_ack ack;
	struct place place;
	size_t i;

	place_make(&place);
	for (i = 0; i < 2; i++) {
		request_begin(&request, &place.genl, PINWATCH_CMD_WATCH_GET, flags[i]);
		request.bytes[NLMSG_HDRLEN + offsetof(struct genlmsghdr, reserved)] = 1;
		request_u32(&request, PINWATCH_A_FILE, place.file);
		if (!flags[i])
			request_u32(&request, PINWATCH_A_ID, 0);
		CHECK_EQ(genl_ask(&place.genl, &request, &ack, NULL, NULL), -EINVAL);
		CHECK(strstr(ack.text, "reserved"));
	}
}

/* Bytes after the last attribute, and an attribute that ends beyond the message. */
TEST(malformed_bytes_left_over_einval)
{
	struct genl_request request;
	struct nlattr *attr;
	struct genl_ack ack;
	struct place place;

	place_make(&place);
	request_begin(&request, &place.genl, PINWATCH_CMD_STATS_GET, 0);
	request.header.nlmsg_len += 3;
	CHECK_EQ(genl_ask(&place.genl, &request, &ack, NULL, NULL), -EINVAL);
	CHECK(strstr(ack.text, "leftover"));

	request_begin(&request, &place.genl, PINWATCH_CMD_WATCH_GET, 0);
	attr = (struct nlattr *)(request.bytes + request.header.nlmsg_len);
	request_u32(&request, PINWATCH_A_FILE, place.file);
	attr->nla_len = 100;
	CHECK_EQ(genl_ask(&place.genl, &request, &ack, NULL, NULL), -EINVAL);
	CHECK(strstr(ack.text, "leftover"));
	attr->nla_len = 3;
	CHECK_EQ(genl_ask(&place.genl, &request, &ack, NULL, NULL), -EINVAL);
	CHECK(strstr(ack.text, "leftover"));
}

TEST(malformed_too_short_einval)
{
	struct genl_request request;
	struct genl_ack ack;
	struct place place;

	place_make(&place);
	request_begin(&request, &place.genl, PINWATCH_CMD_STATS_GET, 0);
	request.header.nlmsg_len = NLMSG_HDRLEN + 2;
	CHECK_EQ(genl_ask(&place.genl, &request, &ack, NULL, NULL), -EINVAL);
	request.header.nlmsg_len = NLMSG_HDRLEN;
	CHECK_EQ(genl_ask(&place.genl, &request, &ack, NULL, NULL), -EINVAL);
	check_valid(&place);
}

static void random_attr(struct genl_request *request, uint64_t *state)
{
	char bytes[16];
	size_t i;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = random_below(state, 4) ? 0 : (char)random_next(state);
	request_put(request, (uint16_t)random_below(state, PINWATCH_A_MAX + 8), bytes,
		    random_below(state, 2) ? 4 : random_below(state, sizeof(bytes)));
}

TEST(malformed_random)
{
	unsigned int nr_refused = 0;
	uint64_t state = test_seed();
	struct genl_request request;
	struct genl_ack ack;
	struct place place;
	size_t nr;
	int i;

	place_make(&place);
	for (i = 0; i < NR_RANDOM; i++) {
		request_begin(&request, &place.genl, (uint8_t)random_below(&state, 6),
			      random_below(&state, 2) ? NLM_F_DUMP : 0);
		for (nr = random_below(&state, 4); nr; nr--)
			random_attr(&request, &state);
		if (!genl_ask(&place.genl, &request, &ack, NULL, NULL))
			continue;
		nr_refused++;
		if (ack.error != -EOPNOTSUPP && !ack.text[0])
			FAIL("request %d is refused (%d) without a text", i, ack.error);
	}
	test_note("%u of %u refused", nr_refused, NR_RANDOM);
	CHECK(nr_refused > NR_RANDOM / 2);
	check_valid(&place);
}
