// SPDX-License-Identifier: MIT
/* See header.h. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "header.h"

#define NAME(number)	{ number, #number }

static const struct errno_name {
	int number;
	const char *name;
} errno_names[] = {
	NAME(EPERM), NAME(ENOENT), NAME(ESRCH), NAME(EINTR), NAME(EIO), NAME(ENXIO),
	NAME(E2BIG), NAME(EBADF), NAME(ECHILD), NAME(EAGAIN), NAME(ENOMEM), NAME(EACCES),
	NAME(EFAULT), NAME(EBUSY), NAME(EEXIST), NAME(EXDEV), NAME(ENODEV), NAME(EINVAL),
	NAME(ENFILE), NAME(EMFILE), NAME(ENOTTY), NAME(EFBIG), NAME(ENOSPC), NAME(ESPIPE),
	NAME(EPIPE), NAME(ERANGE), NAME(ENOSYS), NAME(ENODATA), NAME(EOVERFLOW),
	NAME(EISDIR), NAME(ENOTDIR),
	NAME(EOPNOTSUPP), NAME(ECANCELED), NAME(EDQUOT), NAME(ETIMEDOUT),
};

#define NR_NAMES	(sizeof(errno_names) / sizeof(errno_names[0]))

const char *header_errno_name(int number)
{
	size_t i;

	for (i = 0; i < NR_NAMES; i++)
		if (errno_names[i].number == number)
			return errno_names[i].name;
	return NULL;
}

int header_errno(const char *name)
{
	size_t i;

	for (i = 0; i < NR_NAMES; i++)
		if (!strcmp(errno_names[i].name, name))
			return errno_names[i].number;
	return 0;
}

struct header_errors *header_find(struct header *header, const char *name)
{
	unsigned int i;

	for (i = 0; i < header->nr; i++)
		if (!strcmp(header->calls[i].name, name))
			return &header->calls[i];
	return NULL;
}

static struct header_errors *header_add(struct header *header, const char *name, size_t length)
{
	struct header_errors *errors = &header->calls[header->nr];

	if (header->nr == HEADER_CALLS || length >= sizeof(errors->name)) {
		fprintf(stderr, "pinwatch.h: more calls with errors than expected\n");
		exit(1);
	}
	memcpy(errors->name, name, length);
	header->nr++;
	return errors;
}

/* Each word of capitals that begins with E, up to @end. */
static void names_parse(struct header_errors *errors, const char *at, const char *end)
{
	while (at < end) {
		char word[32];
		size_t n = 0;

		while (at < end && !isalnum((unsigned char)*at) && *at != '_')
			at++;
		while (at < end && (isalnum((unsigned char)*at) || *at == '_')) {
			if (n < sizeof(word) - 1)
				word[n++] = *at;
			at++;
		}
		word[n] = '\0';
		if (header_errno(word))
			errors->documented[header_errno(word)] = true;
	}
}

/* The comment's own paragraph ends at a line that is empty but for its star. */
static const char *paragraph_end(const char *at, const char *limit)
{
	const char *end = strstr(at, "\n *\n");

	return end && end < limit ? end : limit;
}

/*
 * What a comment with errors is about: "struct X - PINWATCH_IOC_Y" is an ioctl's,
 * struct pinwatch_event is read()'s, and the one at the head has mmap()'s.
 */
static const char *comment_name(const char *begin)
{
	static const char head[] = "/**\n * struct ";
	const char *dash;

	if (strncmp(begin, head, strlen(head)) != 0)
		return "mmap";
	dash = strstr(begin, " - ");
	return dash && !strncmp(dash, " - PINWATCH_IOC_", 16) ? dash + 3 : "read";
}

static void comment_parse(struct header *header, const char *begin, const char *end)
{
	const char *errors = strstr(begin, "Errors:");
	const char *name = comment_name(begin);

	if (!errors || errors >= end)
		return;
	names_parse(header_add(header, name, strcspn(name, "\n ")), errors,
		    paragraph_end(errors, end));
}

void header_parse(struct header *header, const char *text)
{
	const char *begin = text, *end;

	while ((begin = strstr(begin, "/*"))) {
		end = strstr(begin, "*/");
		if (!end)
			break;
		comment_parse(header, begin, end);
		begin = end;
	}
	if (!header_find(header, "read") || !header_find(header, "mmap")) {
		fprintf(stderr, "pinwatch.h: no errors of read() or mmap()\n");
		exit(1);
	}
}
