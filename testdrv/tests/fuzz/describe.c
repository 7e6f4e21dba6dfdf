// SPDX-License-Identifier: MIT
/* See describe.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "describe.h"
#include "text.h"

#define MAX_TEXT	65536

void describe_read(struct lang *lang, const char *path)
{
	static char text[MAX_TEXT];
	FILE *file;

	if (!path) {
		lang_parse(lang, "pinwatch.txt", text_description);
		return;
	}
	file = fopen(path, "re");
	if (!file) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(1);
	}
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	lang_parse(lang, path, text);
}

static void struct_describe(const struct lang_struct *structure)
{
	unsigned int i;

	printf("struct %s %zu\n", structure->name, structure->size);
	for (i = 0; i < structure->nr; i++)
		printf("member %s.%s %zu %zu\n", structure->name, structure->fields[i].name,
		       structure->fields[i].offset, structure->fields[i].type->size);
}

/* Not what the description itself defines, PINWATCH_MAP_ and PINWATCH_MREMAP. */
static void constant_describe(const char *name, uint64_t value)
{
	if (!strncmp(name, "PINWATCH_", 9) && strncmp(name, "PINWATCH_M", 10) != 0)
		printf("constant %s %#" PRIx64 "\n", name, value);
}

void describe_layout(const struct lang *lang)
{
	unsigned int i, j;

	for (i = 0; i < lang->nr_structs; i++)
		if (!strncmp(lang->structs[i].name, "pinwatch_", 9))
			struct_describe(&lang->structs[i]);
	for (i = 0; i < lang->nr_sets; i++)
		for (j = 0; j < lang->sets[i].nr; j++)
			constant_describe(lang->sets[i].names[j], lang->sets[i].values[j]);
	for (i = 0; i < lang->nr_types; i++)
		if (lang->types[i].kind == LANG_CONST)
			constant_describe(lang->types[i].name, lang->types[i].low);
}

void describe_errors(const struct header *header)
{
	unsigned int i;
	int number;

	for (i = 0; i < header->nr; i++) {
		printf("%s", header->calls[i].name);
		for (number = 1; number < HEADER_ERRNOS; number++)
			if (header->calls[i].documented[number])
				printf(" %s", header_errno_name(number));
		printf("\n");
	}
}
