// SPDX-License-Identifier: MIT
/* Output of JSON and text. See print.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libpinwatch.h"
#include "print.h"
#include "verb.h"

static int json_dump(json_t *json, size_t flags)
{
	int ret;

	if (!json) {
		fprintf(stderr, "%s: no memory\n", program.name);
		return STATUS_BAD;
	}
	ret = json_dumpf(json, stdout, flags);
	json_decref(json);
	putchar('\n');
	return ret ? STATUS_BAD : STATUS_OK;
}

int print_json(json_t *json)
{
	return json_dump(json, JSON_INDENT(2));
}

int print_json_line(json_t *json)
{
	return json_dump(json, JSON_COMPACT);
}

json_t *print_events_to_json(uint32_t events)
{
	json_t *array = json_array();
	char name[96];
	uint32_t bit;

	for (bit = 1; bit; bit <<= 1) {
		if (!(events & bit))
			continue;
		pinwatch_events_string(bit, name, sizeof(name));
		json_array_append_new(array, json_string(name));
	}
	return array;
}

json_t *print_causes_to_json(uint64_t causes)
{
	json_t *array = json_array();
	char name[256];
	uint64_t bit;

	for (bit = 1; bit; bit <<= 1) {
		if (!(causes & bit))
			continue;
		pinwatch_causes_string(bit, name, sizeof(name));
		json_array_append_new(array, json_string(name));
	}
	return array;
}

bool print_wants_colour(void)
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !getenv("NO_COLOR") && term && strcmp(term, "dumb") != 0;
}

void print_clean(char *text, size_t size)
{
	size_t i;

	for (i = 0; i < size && text[i]; i++)
		if (text[i] < ' ' || text[i] > '~')
			text[i] = '?';
}
