// SPDX-License-Identifier: MIT
/* What a valid module contains. See ko.h; ko_parse.c validates. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ko.h"
#include "notifier.h"

int ko_read(struct ko *ko, const char *path, struct reason *why)
{
	struct blob blob;

	return file_read(path, &blob, why) ? -1 : ko_parse(ko, blob, why);
}

void ko_free(struct ko *ko)
{
	free(ko->blob.data);
	*ko = (struct ko){ 0 };
}

const char *ko_modinfo(const struct ko *ko, const char *tag, const char *after)
{
	const char *text = ko_data(ko, ko->modinfo);
	const char *end = text + ko->headers[ko->modinfo].sh_size;
	size_t length = strlen(tag);

	if (after)
		text = after + strlen(after) + 1;
	for (; text < end; text += strlen(text) + 1)
		if (!strncmp(text, tag, length) && text[length] == '=')
			return text + length + 1;
	return NULL;
}

struct ko_calls ko_calls(const struct ko *ko)
{
	const Elf64_Sym *symbols = ko_symbols(ko);
	struct ko_calls calls = { 0 };
	const char *name;
	size_t i;

	for (i = 0; i < ko_nr_symbols(ko); i++) {
		if (symbols[i].st_shndx != SHN_UNDEF)
			continue;
		name = ko_symbol_name(ko, &symbols[i]);
		calls.kernel |= notifier_kernel_bit(name);
		calls.pinwatch |= notifier_pinwatch_bit(name);
	}
	return calls;
}

static const Elf64_Sym *symbol_find(const struct ko *ko, const char *prefix, const char *name)
{
	const Elf64_Sym *symbols = ko_symbols(ko);
	size_t i, length = strlen(prefix);
	const char *found;

	for (i = 0; i < ko_nr_symbols(ko); i++) {
		found = ko_symbol_name(ko, &symbols[i]);
		if (symbols[i].st_shndx != SHN_UNDEF && !strncmp(found, prefix, length) &&
		    !strcmp(found + length, name))
			return &symbols[i];
	}
	return NULL;
}

bool ko_export_crc(const struct ko *ko, const char *name, uint32_t *crc)
{
	const Elf64_Sym *symbol = symbol_find(ko, "__crc_", name);
	const Elf64_Shdr *header;

	if (!symbol)
		return false;
	if (symbol->st_shndx == SHN_ABS) {
		*crc = symbol->st_value;
		return true;
	}
	if (symbol->st_shndx >= ko->nr_sections)
		return false;
	header = &ko->headers[symbol->st_shndx];
	if (header->sh_type != SHT_PROGBITS || header->sh_size < sizeof(*crc) ||
	    symbol->st_value > header->sh_size - sizeof(*crc))
		return false;
	memcpy(crc, ko->blob.data + header->sh_offset + symbol->st_value, sizeof(*crc));
	return true;
}

bool ko_exports(const struct ko *ko, const char *name)
{
	return symbol_find(ko, "__ksymtab_", name);
}
