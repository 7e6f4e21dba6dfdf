// SPDX-License-Identifier: MIT
/* The changes to the copy of a module. See bind.h. */
#include <stdlib.h>
#include <string.h>

#include "bind.h"
#include "notifier.h"

#define SECTION_ALIGN	8

static int function_index(unsigned int bit)
{
	return __builtin_ctz(bit);
}

static int blob_append(struct blob *blob, const void *data, size_t size)
{
	unsigned char *grown = realloc(blob->data, blob->size + size);

	if (!grown)
		return -1;
	memcpy(grown + blob->size, data, size);
	blob->data = grown;
	blob->size += size;
	return 0;
}

/* As blob_append(), of a string with its NUL. */
static int string_append(struct blob *blob, const char *text)
{
	return blob_append(blob, text, strlen(text) + 1);
}

/* The section @index gets @data, at the end of the file. */
static int section_move(struct ko *ko, size_t index, const struct blob *data)
{
	static const char zeros[SECTION_ALIGN];
	size_t at = (ko->blob.size + SECTION_ALIGN - 1) / SECTION_ALIGN * SECTION_ALIGN;

	if (blob_append(&ko->blob, zeros, at - ko->blob.size) ||
	    blob_append(&ko->blob, data->data, data->size))
		return -1;
	ko->headers = (Elf64_Shdr *)(ko->blob.data + ((Elf64_Ehdr *)ko->blob.data)->e_shoff);
	ko->headers[index].sh_offset = at;
	ko->headers[index].sh_size = data->size;
	return 0;
}

/* Name the undefined symbols by the strings at @offsets. */
static void symbols_rename(struct ko *ko, const size_t *offsets)
{
	Elf64_Sym *symbols = ko_symbols(ko);
	unsigned int bit;
	size_t i;

	for (i = 0; i < ko_nr_symbols(ko); i++) {
		if (symbols[i].st_shndx != SHN_UNDEF)
			continue;
		bit = notifier_kernel_bit(ko_symbol_name(ko, &symbols[i]));
		if (bit)
			symbols[i].st_name = offsets[function_index(bit)];
	}
}

/* The old strings stay: other names may be the tails of the kernel's names. */
static int names_add(struct ko *ko, unsigned int called, struct blob *names)
{
	size_t offsets[NR_NOTIFIER_FUNCTIONS];
	unsigned int i;

	if (blob_append(names, ko_data(ko, ko->strtab), ko->headers[ko->strtab].sh_size))
		return -1;
	for (i = 0; i < NR_NOTIFIER_FUNCTIONS; i++) {
		offsets[i] = names->size;
		if (called & 1U << i && string_append(names, notifier_functions[i].pinwatch))
			return -1;
	}
	symbols_rename(ko, offsets);
	return section_move(ko, ko->strtab, names);
}

static int rename_symbols(struct ko *ko, unsigned int called, struct reason *why)
{
	struct blob names = { 0 };
	int ret = names_add(ko, called, &names);

	free(names.data);
	return ret ? reason_set(why, "no memory") : 0;
}

/* Count each function once: the loader takes the first entry of a name. */
static int check_found(unsigned int called, unsigned int found, bool twice,
		       const char *section, struct reason *why)
{
	if (found != called)
		return reason_set(why, "malformed: %s lacks a function that is called", section);
	return twice ? reason_set(why, "malformed: a name twice in %s", section) : 0;
}

static int rename_versions(struct ko *ko, const struct ko *pinwatch, unsigned int called,
			   struct reason *why)
{
	struct ko_version *version = ko_data(ko, ko->versions);
	struct ko_version *end = version + ko_nr(ko, ko->versions, sizeof(*version));
	unsigned int bit, found = 0;
	const char *name;
	bool twice = false;
	uint32_t crc;

	for (; version < end; version++) {
		bit = notifier_kernel_bit(version->name) & called;
		if (!bit)
			continue;
		twice |= found & bit;
		found |= bit;
		name = notifier_functions[function_index(bit)].pinwatch;
		if (!ko_export_crc(pinwatch, name, &crc))
			return reason_set(why, "pinwatch.ko has no CRC of %s", name);
		*version = (struct ko_version){ .crc = crc };
		memcpy(version->name, name, strlen(name) + 1);
	}
	return check_found(called, found, twice, "__versions", why);
}

struct ext_names {
	struct blob names;
	unsigned int found;
	bool twice;
};

/* Append @name, or pinwatch's name for it, and change the CRC at @crc. */
static int ext_name_add(struct ext_names *ext, const char *name, unsigned char *crc,
			const struct ko *pinwatch, unsigned int called)
{
	unsigned int bit = notifier_kernel_bit(name) & called;
	uint32_t value;

	if (!bit)
		return string_append(&ext->names, name);
	ext->twice |= ext->found & bit;
	ext->found |= bit;
	name = notifier_functions[function_index(bit)].pinwatch;
	if (!ko_export_crc(pinwatch, name, &value))
		return -1;
	memcpy(crc, &value, sizeof(value));
	return string_append(&ext->names, name);
}

static int ext_names_build(struct ko *ko, const struct ko *pinwatch, unsigned int called,
			   struct ext_names *ext)
{
	const char *name = ko_data(ko, ko->ext_names);
	const char *end = name + ko->headers[ko->ext_names].sh_size;
	unsigned char *crc = ko_data(ko, ko->ext_crcs);

	for (; name < end; name += strlen(name) + 1, crc += sizeof(uint32_t))
		if (ext_name_add(ext, name, crc, pinwatch, called))
			return -1;
	return section_move(ko, ko->ext_names, &ext->names);
}

static int rename_ext_versions(struct ko *ko, const struct ko *pinwatch, unsigned int called,
			       struct reason *why)
{
	struct ext_names ext = { 0 };
	int ret = ext_names_build(ko, pinwatch, called, &ext);

	free(ext.names.data);
	if (ret)
		return reason_set(why, "no memory");
	return check_found(called, ext.found, ext.twice, "__version_ext_names", why);
}

static int change(struct ko *ko, const struct ko *pinwatch, struct reason *why)
{
	unsigned int called = ko_calls(ko).kernel;

	if (ko->versions && rename_versions(ko, pinwatch, called, why))
		return -1;
	if (ko->ext_crcs && rename_ext_versions(ko, pinwatch, called, why))
		return -1;
	return rename_symbols(ko, called, why);
}

/* The copy must be a valid module that calls functions of pinwatch, and none of the kernel's. */
static int check_result(struct blob blob, unsigned int called, struct blob *out,
			struct reason *why)
{
	struct ko_calls calls;
	struct ko ko;

	if (ko_parse(&ko, blob, why))
		return -1;
	calls = ko_calls(&ko);
	if (calls.kernel || calls.pinwatch != called || ko.blob.size != blob.size) {
		ko_free(&ko);
		return reason_set(why, "malformed: the copy would not be a valid module");
	}
	*out = ko.blob;
	return 0;
}

int bind_copy(const struct ko *ko, const struct ko *pinwatch, struct blob *out,
	      struct reason *why)
{
	struct ko copy = *ko;

	copy.blob = (struct blob){ 0 };
	if (blob_append(&copy.blob, ko->blob.data, ko->blob.size))
		return reason_set(why, "no memory");
	copy.headers = (Elf64_Shdr *)(copy.blob.data + ((Elf64_Ehdr *)copy.blob.data)->e_shoff);
	if (change(&copy, pinwatch, why)) {
		free(copy.blob.data);
		return -1;
	}
	return check_result(copy.blob, ko_calls(ko).kernel, out, why);
}
