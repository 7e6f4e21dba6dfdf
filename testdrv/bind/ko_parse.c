// SPDX-License-Identifier: MIT
/* Validate a module before anything else reads it. See ko.h. */
#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ko.h"

static const char signature_marker[] = "~Module signature appended~\n";
#define MARKER_SIZE	(sizeof(signature_marker) - 1)

/* As in include/linux/module_signature.h */
struct signature {
	uint8_t algo, hash, id_type, signer_len, key_id_len, pad[3];
	uint32_t length;	/* big endian */
};

/* Cut the signature off. */
static int signature_drop(struct ko *ko, struct reason *why)
{
	struct blob *blob = &ko->blob;
	struct signature signature;
	size_t left;

	if (blob->size < MARKER_SIZE + sizeof(signature) ||
	    memcmp(blob->data + blob->size - MARKER_SIZE, signature_marker, MARKER_SIZE) != 0)
		return 0;
	left = blob->size - MARKER_SIZE - sizeof(signature);
	memcpy(&signature, blob->data + left, sizeof(signature));
	if (be32toh(signature.length) > left)
		return reason_set(why, "malformed: the signature is larger than the file");
	blob->size = left - be32toh(signature.length);
	ko->signed_ = true;
	return 0;
}

static int check_ident(const struct ko *ko, struct reason *why)
{
	const unsigned char *ident = ko->blob.data;

	if (ko->blob.size < EI_NIDENT || memcmp(ident, ELFMAG, SELFMAG) != 0)
		return reason_set(why, "not an ELF file");
	if (ident[EI_CLASS] == ELFCLASS32)
		return reason_set(why, "a 32-bit module: pinwatch exists for amd64 only");
	if (ident[EI_CLASS] != ELFCLASS64 || ident[EI_DATA] != ELFDATA2LSB ||
	    ident[EI_VERSION] != EV_CURRENT)
		return reason_set(why, "not a 64-bit little-endian ELF file");
	if (ko->blob.size < sizeof(Elf64_Ehdr))
		return reason_set(why, "truncated: no ELF header");
	return 0;
}

static int check_header(struct ko *ko, struct reason *why)
{
	const Elf64_Ehdr *elf = (const Elf64_Ehdr *)ko->blob.data;
	size_t size = ko->blob.size;

	if (elf->e_machine != EM_X86_64)
		return reason_set(why, "for another machine (%u): pinwatch exists for amd64 only",
				  elf->e_machine);
	if (elf->e_type != ET_REL)
		return reason_set(why, "not a relocatable file");
	if (!elf->e_shnum || elf->e_shentsize != sizeof(Elf64_Shdr))
		return reason_set(why, "malformed: no sections");
	if (elf->e_shoff < sizeof(*elf) || elf->e_shoff > size ||
	    (size - elf->e_shoff) / sizeof(Elf64_Shdr) < elf->e_shnum)
		return reason_set(why, "truncated: the table of sections is not in the file");
	if (elf->e_shoff % _Alignof(Elf64_Shdr))
		return reason_set(why, "malformed: the table of sections is misaligned");
	ko->headers = (Elf64_Shdr *)(ko->blob.data + elf->e_shoff);
	ko->nr_sections = elf->e_shnum;
	return 0;
}

static bool in_file(const Elf64_Shdr *header)
{
	return header->sh_type != SHT_NULL && header->sh_type != SHT_NOBITS;
}

/* A file that lacks the end of a signature has data after its last part. */
static int check_bounds(const struct ko *ko, struct reason *why)
{
	size_t i, size = ko->blob.size;
	uint64_t end = (unsigned char *)&ko->headers[ko->nr_sections] - ko->blob.data;
	const Elf64_Shdr *header;

	for (i = 1; i < ko->nr_sections; i++) {
		header = &ko->headers[i];
		if (!in_file(header))
			continue;
		if (header->sh_offset > size || header->sh_size > size - header->sh_offset)
			return reason_set(why, "truncated: section %zu is not in the file", i);
		if (header->sh_offset + header->sh_size > end)
			end = header->sh_offset + header->sh_size;
	}
	if (end != size)
		return reason_set(why, "truncated: the last %" PRIu64 " bytes are no signature",
				  size - end);
	return 0;
}

/* Each string ends in the table: the last byte is NUL. */
static bool is_string_table(const struct ko *ko, size_t index)
{
	const Elf64_Shdr *header = &ko->headers[index];

	return index && index < ko->nr_sections && in_file(header) && header->sh_size &&
	       !((char *)ko_data(ko, index))[header->sh_size - 1];
}

/* Find the only section of this name, or 0. */
static int section_find(const struct ko *ko, const char *name, size_t *index,
			struct reason *why)
{
	const Elf64_Ehdr *elf = (const Elf64_Ehdr *)ko->blob.data;
	const char *names = ko_data(ko, elf->e_shstrndx);
	size_t i;

	*index = 0;
	for (i = 1; i < ko->nr_sections; i++) {
		if (strcmp(names + ko->headers[i].sh_name, name) != 0)
			continue;
		if (*index)
			return reason_set(why, "malformed: two sections %s", name);
		if (!in_file(&ko->headers[i]))
			return reason_set(why, "malformed: section %s is empty", name);
		*index = i;
	}
	return 0;
}

static int check_names(const struct ko *ko, struct reason *why)
{
	const Elf64_Ehdr *elf = (const Elf64_Ehdr *)ko->blob.data;
	size_t i;

	if (!is_string_table(ko, elf->e_shstrndx) ||
	    ko->headers[elf->e_shstrndx].sh_type != SHT_STRTAB)
		return reason_set(why, "malformed: no names of sections");
	for (i = 0; i < ko->nr_sections; i++)
		if (ko->headers[i].sh_name >= ko->headers[elf->e_shstrndx].sh_size)
			return reason_set(why, "malformed: the name of section %zu", i);
	return 0;
}

static int symtab_find(struct ko *ko, struct reason *why)
{
	size_t i;

	for (i = 1; i < ko->nr_sections; i++) {
		if (ko->headers[i].sh_type != SHT_SYMTAB)
			continue;
		if (ko->symtab)
			return reason_set(why, "malformed: two symbol tables");
		ko->symtab = i;
	}
	return ko->symtab ? 0 : reason_set(why, "malformed: no symbol table");
}

static int check_symbols(struct ko *ko, struct reason *why)
{
	const Elf64_Shdr *header;
	size_t i;

	if (symtab_find(ko, why))
		return -1;
	header = &ko->headers[ko->symtab];
	ko->strtab = header->sh_link;
	if (header->sh_entsize != sizeof(Elf64_Sym) || header->sh_size % sizeof(Elf64_Sym) ||
	    header->sh_offset % _Alignof(Elf64_Sym))
		return reason_set(why, "malformed: the symbol table");
	if (!is_string_table(ko, ko->strtab) ||
	    ko->headers[ko->strtab].sh_type != SHT_STRTAB)
		return reason_set(why, "malformed: the names of symbols have no end");
	for (i = 0; i < ko_nr_symbols(ko); i++)
		if (ko_symbols(ko)[i].st_name >= ko->headers[ko->strtab].sh_size)
			return reason_set(why, "malformed: the name of symbol %zu", i);
	return 0;
}

static int check_modinfo(struct ko *ko, struct reason *why)
{
	if (section_find(ko, ".modinfo", &ko->modinfo, why))
		return -1;
	if (!ko->modinfo)
		return reason_set(why, "not a kernel module: no section .modinfo");
	if (!is_string_table(ko, ko->modinfo))
		return reason_set(why, "malformed: .modinfo has no end");
	if (!ko_modinfo(ko, "name", NULL) || !ko_modinfo(ko, "vermagic", NULL))
		return reason_set(why, "malformed: .modinfo has no name or no vermagic");
	return 0;
}

static int check_basic_versions(struct ko *ko, struct reason *why)
{
	const struct ko_version *version;
	size_t i;

	if (section_find(ko, "__versions", &ko->versions, why))
		return -1;
	if (ko->versions && (ko->headers[ko->versions].sh_size % sizeof(*version) ||
			     ko->headers[ko->versions].sh_offset % _Alignof(struct ko_version)))
		return reason_set(why, "malformed: __versions");
	for (i = 0; i < ko_nr(ko, ko->versions, sizeof(*version)); i++) {
		version = (struct ko_version *)ko_data(ko, ko->versions) + i;
		if (!memchr(version->name, 0, sizeof(version->name)))
			return reason_set(why, "malformed: name %zu of __versions has no end", i);
	}
	return 0;
}

static size_t nr_strings(const struct ko *ko, size_t index)
{
	const char *text = ko_data(ko, index);
	const char *end = text + ko->headers[index].sh_size;
	size_t nr = 0;

	for (; text < end; text += strlen(text) + 1)
		nr++;
	return nr;
}

static int check_ext_versions(struct ko *ko, struct reason *why)
{
	if (section_find(ko, "__version_ext_names", &ko->ext_names, why) ||
	    section_find(ko, "__version_ext_crcs", &ko->ext_crcs, why))
		return -1;
	if (!ko->ext_names && !ko->ext_crcs)
		return 0;
	if (!ko->ext_names || !ko->ext_crcs)
		return reason_set(why, "malformed: extended versions without names or CRCs");
	if (!is_string_table(ko, ko->ext_names))
		return reason_set(why, "malformed: __version_ext_names has no end");
	if (ko->headers[ko->ext_crcs].sh_size % sizeof(uint32_t) ||
	    ko_nr(ko, ko->ext_crcs, sizeof(uint32_t)) != nr_strings(ko, ko->ext_names))
		return reason_set(why, "malformed: __version_ext_crcs has another length");
	return 0;
}

static int parse(struct ko *ko, struct reason *why)
{
	if (signature_drop(ko, why) || check_ident(ko, why) || check_header(ko, why) ||
	    check_bounds(ko, why) || check_names(ko, why) || check_symbols(ko, why) ||
	    check_modinfo(ko, why) || check_basic_versions(ko, why))
		return -1;
	return check_ext_versions(ko, why);
}

int ko_parse(struct ko *ko, struct blob file, struct reason *why)
{
	*ko = (struct ko){ .blob = file };
	if (!parse(ko, why))
		return 0;
	ko_free(ko);
	return -1;
}
