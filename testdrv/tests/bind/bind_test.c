// SPDX-License-Identifier: MIT
/* Copies that pinwatch-bind writes, and its audit */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compare.h"
#include "notifier.h"
#include "setup.h"

/* The module with umem_odp, which makes one group with hfi1 */
static const char *core(void)
{
	struct ko ko = setup_read(setup_stock("ib_core"));
	bool is_user = ko_calls(&ko).kernel;

	ko_free(&ko);
	return is_user ? "ib_core" : "ib_uverbs";
}

static void check_copy(const char *name)
{
	struct ko ko = setup_read(setup_stock(name));
	char path[64];
	struct ko copy;
	const char *found;

	snprintf(path, sizeof(path), "out/%s.ko", name);
	copy = setup_read(path);
	found = compare_copy(&ko, &copy);
	if (found)
		FAIL("%s: %s", name, found);
	CHECK(ko.signed_ && ko_calls(&ko).kernel);
	CHECK_EQ(ko_calls(&copy).pinwatch, ko_calls(&ko).kernel);
	CHECK_EQ(ko_calls(&copy).kernel, 0);
	ko_free(&ko);
	ko_free(&copy);
}

static void check_bound(const struct run *run, int nr)
{
	if (run->status)
		FAIL("status %d: %s", run->status, run->text);
	CHECK(!run->text[0]);
	CHECK_EQ(setup_nr_files("out"), nr);
}

TEST(bind_one_module)
{
	struct run run;

	setup_enter();
	run = setup_bind("xen-gntdev");
	check_bound(&run, 1);
	check_copy("xen-gntdev");
}

TEST(bind_name_with_underscore)
{
	struct run run;

	setup_enter();
	run = setup_bind("xen_gntdev");
	check_bound(&run, 1);
}

TEST(bind_group)
{
	struct run run;

	setup_enter();
	run = setup_bind("hfi1", core());
	check_bound(&run, 2);
	check_copy("hfi1");
	check_copy(core());
}

TEST(bind_file_outside_the_directory)
{
	struct blob blob = setup_stock_file("xen-gntdev");
	struct run run;

	setup_enter();
	setup_write("xen-gntdev.ko", blob.data, blob.size);
	run = setup_bind("./xen-gntdev.ko");
	check_bound(&run, 1);
	check_copy("xen-gntdev");
	free(blob.data);
}

TEST(bind_part_of_a_group_by_force)
{
	struct run run;

	setup_enter();
	run = setup_bind("--force", "hfi1");
	check_bound(&run, 1);
	check_copy("hfi1");
}

TEST(bind_replaces_an_older_copy)
{
	struct stat st;
	struct run run;

	setup_enter();
	setup_write("out/xen-gntdev.ko", "old", 3);
	run = setup_bind("xen-gntdev");
	check_bound(&run, 1);
	check_copy("xen-gntdev");
	CHECK(!stat("out/xen-gntdev.ko", &st));
	CHECK_EQ(st.st_mode & 0777, 0644);
}

/* CRC of @name in Module.symvers, which modpost wrote beside pinwatch.ko */
static uint32_t symvers_crc(const char *name)
{
	char path[4096], symbol[128], *slash;
	unsigned int crc;
	FILE *file;

	snprintf(path, sizeof(path), "%s", setup_env("BIND_PINWATCH"));
	slash = strrchr(path, '/');
	CHECK(slash);
	snprintf(slash + 1, sizeof(path) - (size_t)(slash + 1 - path), "Module.symvers");
	file = fopen(path, "re");
	CHECK(file);
	while (fscanf(file, "%x %127s%*[^\n]", &crc, symbol) == 2) {
		if (strcmp(symbol, name) != 0)
			continue;
		fclose(file);
		return crc;
	}
	FAIL("%s has no %s", path, name);
}

static unsigned int check_version(const struct ko_version *version)
{
	unsigned int bit = notifier_pinwatch_bit(version->name);

	if (bit)
		CHECK_EQ(version->crc, symvers_crc(version->name));
	return bit;
}

TEST(bind_versions)
{
	const struct ko_version *version;
	unsigned int found = 0;
	struct run run;
	struct ko ko;
	size_t i;

	setup_enter();
	run = setup_bind("xen-gntdev");
	check_bound(&run, 1);
	ko = setup_read("out/xen-gntdev.ko");
	if (!ko.versions)
		SKIP("the kernel has no MODVERSIONS");
	version = ko_data(&ko, ko.versions);
	for (i = 0; i < ko_nr(&ko, ko.versions, sizeof(*version)); i++)
		found |= check_version(&version[i]);
	CHECK_EQ(found, ko_calls(&ko).pinwatch);
	ko_free(&ko);
}

/* Write names and CRCs (their numbers) of the undefined symbols, as modpost would. */
static void write_ext_versions(const struct ko *ko)
{
	FILE *names = fopen("names", "we"), *crcs = fopen("crcs", "we");
	const Elf64_Sym *symbol = ko_symbols(ko);
	const char *name;
	uint32_t i;

	CHECK(names && crcs);
	for (i = 1; i < ko_nr_symbols(ko); i++) {
		if (symbol[i].st_shndx != SHN_UNDEF)
			continue;
		name = ko_symbol_name(ko, &symbol[i]);
		fwrite(name, strlen(name) + 1, 1, names);
		fwrite(&i, sizeof(i), 1, crcs);
	}
	CHECK(!fclose(names) && !fclose(crcs));
}

/* No kernel here has extended versions: add the two sections to a module. */
static void make_ext_module(void)
{
	struct ko ko = setup_read(setup_stock("xen-gntdev"));

	write_ext_versions(&ko);
	setup_write("plain.ko", ko.blob.data, ko.blob.size);
	ko_free(&ko);
	CHECK(!system("objcopy --add-section __version_ext_names=names plain.ko names.ko"));
	CHECK(!system("objcopy --add-section __version_ext_crcs=crcs names.ko xen-gntdev.ko"));
}

static unsigned int check_ext_versions(const struct ko *ko)
{
	const char *name = ko_data(ko, ko->ext_names), *crcs = ko_data(ko, ko->ext_crcs);
	unsigned int bit, found = 0;
	uint32_t crc;
	size_t i;

	for (i = 0; i < ko_nr(ko, ko->ext_crcs, sizeof(crc)); i++, name += strlen(name) + 1) {
		bit = notifier_pinwatch_bit(name);
		found |= bit;
		if (!bit)
			continue;
		memcpy(&crc, crcs + i * sizeof(crc), sizeof(crc));
		CHECK_EQ(crc, symvers_crc(name));
	}
	return found;
}

TEST(bind_extended_versions)
{
	struct ko ko = setup_read(setup_stock("xen-gntdev")), copy;
	bool modversions = ko.versions;
	const char *found;
	struct run run;

	ko_free(&ko);
	if (!modversions)
		SKIP("the kernel has no MODVERSIONS: pinwatch.ko has no CRCs");
	setup_enter();
	make_ext_module();
	run = setup_bind("./xen-gntdev.ko");
	check_bound(&run, 1);
	ko = setup_read("xen-gntdev.ko");
	copy = setup_read("out/xen-gntdev.ko");
	CHECK(ko.ext_names && ko.ext_crcs);
	found = compare_copy(&ko, &copy);
	if (found)
		FAIL("%s", found);
	CHECK_EQ(check_ext_versions(&copy), ko_calls(&ko).kernel);
	ko_free(&ko);
	ko_free(&copy);
}

/* The object of the module @name in the output of --audit --json */
static json_t *audit_module(json_t *audit, const char *name)
{
	json_t *modules = json_object_get(audit, "modules"), *module;
	size_t i;

	json_array_foreach(modules, i, module)
		if (!strcmp(json_string_value(json_object_get(module, "name")), name))
			return module;
	return NULL;
}

static json_t *audit_read(const struct run *run)
{
	json_t *audit = json_loads(run->text, 0, NULL);

	if (run->status || !audit)
		FAIL("status %d: %s", run->status, run->text);
	return audit;
}

TEST(audit_lists_the_users)
{
	struct run run = setup_run("--audit", "--json", "--modules", setup_env("BIND_MODULES"),
				   NULL);
	json_t *audit = audit_read(&run), *gntdev = audit_module(audit, "xen_gntdev");

	CHECK(gntdev && audit_module(audit, "hfi1") && audit_module(audit, core()));
	CHECK(!audit_module(audit, "dummy"));
	CHECK_EQ(json_array_size(json_object_get(gntdev, "kernel")), 3);
	CHECK_EQ(json_array_size(json_object_get(gntdev, "pinwatch")), 0);
	CHECK(json_is_null(json_object_get(gntdev, "group")));
	CHECK_EQ(json_integer_value(json_object_get(audit_module(audit, "hfi1"), "group")), 1);
	CHECK_EQ(json_array_size(json_object_get(audit, "groups")), 1);
	json_decref(audit);
}

TEST(audit_of_a_bound_module)
{
	struct run run;
	json_t *audit, *gntdev;

	setup_enter();
	run = setup_bind("xen-gntdev");
	check_bound(&run, 1);
	run = setup_run("--audit", "--json", "--modules", "out", NULL);
	audit = audit_read(&run);
	gntdev = audit_module(audit, "xen_gntdev");
	CHECK_EQ(json_array_size(json_object_get(gntdev, "kernel")), 0);
	CHECK_EQ(json_array_size(json_object_get(gntdev, "pinwatch")), 3);
	json_decref(audit);
}

TEST(audit_table)
{
	struct run run = setup_run("--audit", "--modules", setup_env("BIND_MODULES"), NULL);

	CHECK_EQ(run.status, 0);
	CHECK(strstr(run.text, "\nxen_gntdev"));
	CHECK(strstr(run.text, "Group 1, to be bound together: hfi1 ib_"));
}

TEST(audit_of_a_module_that_is_no_user)
{
	struct run run = setup_run("--audit", "--modules", setup_env("BIND_MODULES"), "dummy",
				   NULL);

	CHECK_EQ(run.status, 0);
	CHECK(strstr(run.text, "\ndummy"));
	CHECK(!strstr(run.text, "hfi1"));
}

TEST(audit_goes_on_after_a_bad_file)
{
	struct blob file = setup_stock_file("xen-gntdev");
	struct run run;

	setup_enter();
	setup_write("out/bad.ko", "bad", 3);
	setup_write("good.ko", file.data, file.size);
	free(file.data);
	run = setup_run("--audit", "--modules", "out", "good.ko", NULL);
	CHECK_EQ(run.status, 1);
	CHECK(strstr(run.text, "out/bad.ko: not an ELF file"));
	CHECK(strstr(run.text, "\nxen_gntdev"));
}
