/* SPDX-License-Identifier: MIT */
/*
 * A kernel module in memory
 *
 * ko_parse() validates each offset, size and string that is read afterwards, so that the
 * accessors need no checks. Only what the kernel's loader of amd64 accepts is accepted:
 * ELF64, little endian, relocatable. elf.h is enough for that one format. libelf would
 * convert formats that are refused here, and would lay out a changed file anew, while a
 * bound copy keeps each section where it is.
 */
#ifndef KO_H
#define KO_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "file.h"
#include "reason.h"

/* An entry of __versions, as in include/linux/module.h on 64-bit machines */
struct ko_version {
	uint64_t crc;
	char name[56];
};

/**
 * struct ko - a valid module
 * @blob: The file, without the signature. Sections are aligned in memory as in the file.
 * @headers: The table of sections.
 * @nr_sections: Its length.
 * @symtab: Index of a section; likewise the members below.
 * @strtab: Names of the symbols.
 * @modinfo: .modinfo
 * @versions: __versions, or 0.
 * @ext_names: __version_ext_names, or 0: names of any length, each with a NUL.
 * @ext_crcs: __version_ext_crcs, or 0: a 32-bit CRC for each of these names.
 * @signed_: The file had a signature.
 */
struct ko {
	struct blob blob;
	Elf64_Shdr *headers;
	size_t nr_sections;
	size_t symtab;
	size_t strtab;
	size_t modinfo;
	size_t versions;
	size_t ext_names;
	size_t ext_crcs;
	bool signed_;
};

/* Parse @file and own it; on failure it is freed. Returns 0, or -1 and @why. */
int ko_parse(struct ko *ko, struct blob file, struct reason *why);
/* As ko_parse(), of a file. */
int ko_read(struct ko *ko, const char *path, struct reason *why);
void ko_free(struct ko *ko);

/* Data of the section @index, which occupies space in the file. */
static inline void *ko_data(const struct ko *ko, size_t index)
{
	return ko->blob.data + ko->headers[index].sh_offset;
}

/* Number of entries of @entry bytes in the section @index; 0 for no section. */
static inline size_t ko_nr(const struct ko *ko, size_t index, size_t entry)
{
	return index ? ko->headers[index].sh_size / entry : 0;
}

static inline size_t ko_nr_symbols(const struct ko *ko)
{
	return ko_nr(ko, ko->symtab, sizeof(Elf64_Sym));
}

static inline Elf64_Sym *ko_symbols(const struct ko *ko)
{
	return ko_data(ko, ko->symtab);
}

static inline const char *ko_symbol_name(const struct ko *ko, const Elf64_Sym *symbol)
{
	return (const char *)ko_data(ko, ko->strtab) + symbol->st_name;
}

/*
 * Return the value of @tag in .modinfo, or NULL. @after: NULL, or the previous value, for
 * a tag that can be repeated.
 */
const char *ko_modinfo(const struct ko *ko, const char *tag, const char *after);

/* Masks of the functions of notifier.h that the module leaves undefined */
struct ko_calls {
	unsigned int kernel;
	unsigned int pinwatch;
};

struct ko_calls ko_calls(const struct ko *ko);

/*
 * Find the CRC of the exported symbol @name: a symbol __crc_NAME, which is absolute up to
 * 5.18 and later names a word of __kcrctab_gpl. Returns false if it has none.
 */
bool ko_export_crc(const struct ko *ko, const char *name, uint32_t *crc);
bool ko_exports(const struct ko *ko, const char *name);

#endif /* KO_H */
