// SPDX-License-Identifier: MIT
/* See compare.h. */
#include <stdio.h>
#include <string.h>

#include "compare.h"

static char difference[256];

/* The names are those of module/pinwatch_dropin.h, a second time: not notifier.c's. */
static const char *const names[][2] = {
	{ "mmu_interval_notifier_insert", "pinwatch_dropin_insert" },
	{ "mmu_interval_notifier_insert_locked", "pinwatch_dropin_insert_locked" },
	{ "mmu_interval_notifier_remove", "pinwatch_dropin_remove" },
	{ "mmu_interval_read_begin", "pinwatch_dropin_read_begin" },
	{ "hmm_range_fault_unlocked_timeout", "pinwatch_hmm_range_fault_unlocked_timeout" },
};

/* The name that a copy has for the undefined symbol @name */
static const char *bound_name(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i][0]))
			return names[i][1];
	return name;
}

static bool may_move(const struct ko *ko, size_t i)
{
	return i == ko->strtab || (ko->ext_names && i == ko->ext_names);
}

static bool may_change(const struct ko *ko, size_t i)
{
	return may_move(ko, i) || i == ko->symtab || (ko->versions && i == ko->versions) ||
	       (ko->ext_crcs && i == ko->ext_crcs);
}

static const char *compare_section(const struct ko *ko, const struct ko *copy, size_t i)
{
	Elf64_Shdr old = ko->headers[i], new = copy->headers[i];

	snprintf(difference, sizeof(difference), "section %zu differs", i);
	if (may_move(ko, i)) {
		old.sh_offset = new.sh_offset;
		old.sh_size = new.sh_size;
	}
	if (memcmp(&old, &new, sizeof(old)) != 0)
		return difference;
	if (may_change(ko, i) || old.sh_type == SHT_NULL || old.sh_type == SHT_NOBITS)
		return NULL;
	return memcmp(ko_data(ko, i), ko_data(copy, i), old.sh_size) ? difference : NULL;
}

/* Every symbol, also one that is not renamed, has its name in the moved table. */
static const char *compare_symbols(const struct ko *ko, const struct ko *copy)
{
	const Elf64_Sym *symbols = ko_symbols(ko);
	const char *name, *now;
	Elf64_Sym old, new;
	size_t i;

	for (i = 0; i < ko_nr_symbols(ko); i++) {
		old = symbols[i];
		new = ko_symbols(copy)[i];
		name = ko_symbol_name(ko, &old);
		now = ko_symbol_name(copy, &new);
		snprintf(difference, sizeof(difference), "symbol %zu: %.80s is now %.80s", i,
			 name, now);
		if (strcmp(now, old.st_shndx == SHN_UNDEF ? bound_name(name) : name) != 0)
			return difference;
		new.st_name = old.st_name;
		if (memcmp(&old, &new, sizeof(old)) != 0)
			return difference;
	}
	return NULL;
}

/* An entry of a function that the module does not call may keep its name. */
static bool name_fits(const char *old, const char *new)
{
	return !strcmp(new, bound_name(old)) || !strcmp(new, old);
}

static const char *compare_versions(const struct ko *ko, const struct ko *copy)
{
	const struct ko_version *old, *new;
	size_t i;

	for (i = 0; i < ko_nr(ko, ko->versions, sizeof(*old)); i++) {
		old = (struct ko_version *)ko_data(ko, ko->versions) + i;
		new = (struct ko_version *)ko_data(copy, copy->versions) + i;
		snprintf(difference, sizeof(difference), "version of %s", old->name);
		if (!name_fits(old->name, new->name))
			return difference;
		if (!strcmp(old->name, new->name) && memcmp(old, new, sizeof(*old)) != 0)
			return difference;
	}
	return NULL;
}

static const char *compare_ext(const struct ko *ko, const struct ko *copy)
{
	const char *old, *new, *crc, *crc_new;
	size_t i;

	if (!ko->ext_crcs)
		return NULL;
	old = ko_data(ko, ko->ext_names);
	new = ko_data(copy, copy->ext_names);
	crc = ko_data(ko, ko->ext_crcs);
	crc_new = ko_data(copy, copy->ext_crcs);
	for (i = 0; i < ko_nr(ko, ko->ext_crcs, 4); i++) {
		snprintf(difference, sizeof(difference), "extended version of %.80s", old);
		if (!name_fits(old, new))
			return difference;
		if (!strcmp(old, new) && memcmp(crc + 4 * i, crc_new + 4 * i, 4) != 0)
			return difference;
		old += strlen(old) + 1;
		new += strlen(new) + 1;
	}
	return NULL;
}

const char *compare_copy(const struct ko *ko, const struct ko *copy)
{
	const char *found = NULL;
	size_t i;

	if (copy->signed_)
		return "the copy has a signature";
	if (memcmp(ko->blob.data, copy->blob.data, sizeof(Elf64_Ehdr)) != 0)
		return "the ELF header differs";
	for (i = 0; i < ko->nr_sections && !found; i++)
		found = compare_section(ko, copy, i);
	if (!found)
		found = compare_symbols(ko, copy);
	if (!found)
		found = compare_versions(ko, copy);
	return found ?: compare_ext(ko, copy);
}
