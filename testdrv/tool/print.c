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
	ret = json_dumpf(json, stdout, flags | JSON_ENSURE_ASCII);
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

/* Returns the code point of @nr bytes of UTF-8, whose first byte is valid. */
static uint32_t utf8_decode(const unsigned char *text, size_t nr)
{
	uint32_t value = text[0] & (0x7fU >> nr);
	size_t i;

	for (i = 1; i < nr; i++)
		value = value << 6 | (text[i] & 0x3f);
	return value;
}

/* Returns the number of bytes of the UTF-8 character at @text, or 0 if there is none. */
static size_t utf8_length(const unsigned char *text, size_t left)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t i, nr = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
	uint32_t value;

	if (text[0] < 0x80)
		return 1;
	if (text[0] < 0xc2 || text[0] > 0xf4 || nr > left)
		return 0;
	for (i = 1; i < nr; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	value = utf8_decode(text, nr);
	if (value < least[nr] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return 0;
	return nr;
}

json_t *print_text_to_json(const char *text, size_t size)
{
	const unsigned char *bytes = (const unsigned char *)text;
	size_t at, nr, length = strnlen(text, size), out = 0;
	unsigned char *utf8 = malloc(2 * length + 1);
	json_t *json;

	if (!utf8)
		return NULL;
	for (at = 0; at < length; at += nr ? nr : 1) {
		nr = utf8_length(bytes + at, length - at);
		if (nr) {
			memcpy(utf8 + out, bytes + at, nr);
			out += nr;
		} else {
			utf8[out++] = 0xc0 | bytes[at] >> 6;
			utf8[out++] = 0x80 | (bytes[at] & 0x3f);
		}
	}
	json = json_stringn((const char *)utf8, out);
	free(utf8);
	return json;
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

void print_escaped(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			printf("\\%03o", (unsigned char)*text);
		else
			putchar(*text);
}
