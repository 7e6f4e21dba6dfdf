// SPDX-License-Identifier: MIT
/* Reasons not to bind a module. See bind.h. */
#include <string.h>

#include "bind.h"
#include "notifier.h"

/* As license_is_gpl_compatible() in the kernel's include/linux/license.h */
static bool licence_is_compatible(const char *licence)
{
	static const char *const licences[] = {
		"GPL", "GPL v2", "GPL and additional rights",
		"Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL",
	};
	size_t i;

	for (i = 0; i < sizeof(licences) / sizeof(licences[0]); i++)
		if (!strcmp(licence, licences[i]))
			return true;
	return false;
}

static int check_licence(const struct ko *ko, struct reason *why)
{
	const char *licence = ko_modinfo(ko, "license", NULL);

	if (!licence)
		return reason_set(why, "no licence: pinwatch exports to GPL modules only");
	for (; licence; licence = ko_modinfo(ko, "license", licence))
		if (!licence_is_compatible(licence))
			return reason_set(why, "licence '%.40s' is not compatible with the GPL",
					  licence);
	return 0;
}

static int check_vermagic(const struct ko *ko, const struct ko *pinwatch, struct reason *why)
{
	const char *magic = ko_modinfo(ko, "vermagic", NULL);
	const char *wanted = ko_modinfo(pinwatch, "vermagic", NULL);

	if (!strcmp(magic, wanted))
		return 0;
	return reason_set(why, "for another kernel: '%.120s', but pinwatch.ko is for '%.120s'",
			  magic, wanted);
}

static bool has_versions(const struct ko *ko)
{
	return ko->versions || ko->ext_crcs;
}

/* A kernel with MODVERSIONS refuses a symbol without a CRC, when the module is loaded. */
static int check_export(const struct ko *ko, const struct ko *pinwatch, const char *name,
			struct reason *why)
{
	uint32_t crc;

	if (!ko_exports(pinwatch, name))
		return reason_set(why, "pinwatch.ko does not export %s", name);
	if (has_versions(ko) && !ko_export_crc(pinwatch, name, &crc))
		return reason_set(why, "pinwatch.ko has no CRC of %s", name);
	return 0;
}

static int check_exports(const struct ko *ko, const struct ko *pinwatch, struct reason *why)
{
	unsigned int i, called = ko_calls(ko).kernel;

	if (!has_versions(ko) && strstr(ko_modinfo(ko, "vermagic", NULL), " modversions "))
		return reason_set(why, "malformed: no CRCs, for a kernel with MODVERSIONS");
	for (i = 0; i < NR_NOTIFIER_FUNCTIONS; i++)
		if (called & 1U << i &&
		    check_export(ko, pinwatch, notifier_functions[i].pinwatch, why))
			return -1;
	return 0;
}

/* Do the bytes [start, end) of the file overlap a section other than @self? */
static bool overlaps(const struct ko *ko, uint64_t start, uint64_t end, size_t self)
{
	const Elf64_Shdr *header;
	size_t i;

	for (i = 1; i < ko->nr_sections; i++) {
		header = &ko->headers[i];
		if (i != self && header->sh_type != SHT_NULL && header->sh_type != SHT_NOBITS &&
		    header->sh_offset < end && start < header->sh_offset + header->sh_size)
			return true;
	}
	return start < sizeof(Elf64_Ehdr);
}

/* A change of one part must not change another part. */
static int check_overlap(const struct ko *ko, struct reason *why)
{
	uint64_t table = ((const Elf64_Ehdr *)ko->blob.data)->e_shoff;
	const size_t changed[] = { ko->symtab, ko->versions, ko->ext_crcs };
	const Elf64_Shdr *header;
	size_t i;

	if (overlaps(ko, table, table + ko->nr_sections * sizeof(*header), 0))
		return reason_set(why, "malformed: the table of sections overlaps a section");
	for (i = 0; i < sizeof(changed) / sizeof(changed[0]); i++) {
		header = &ko->headers[changed[i]];
		if (changed[i] && overlaps(ko, header->sh_offset,
					   header->sh_offset + header->sh_size, changed[i]))
			return reason_set(why, "malformed: section %zu overlaps another section",
					  changed[i]);
	}
	return 0;
}

int bind_check(const struct ko *ko, const struct ko *pinwatch, struct reason *why)
{
	struct ko_calls calls = ko_calls(ko);

	if (calls.pinwatch)
		return reason_set(why, "bound already: it calls pinwatch%s",
				  calls.kernel ? ", and the kernel's functions as well" : "");
	if (!calls.kernel)
		return reason_set(why, "does not call the kernel's interval notifier");
	if (check_licence(ko, why) || check_vermagic(ko, pinwatch, why) ||
	    check_exports(ko, pinwatch, why))
		return -1;
	return check_overlap(ko, why);
}
