// SPDX-License-Identifier: MIT
/* Each reason for which pinwatch-bind refuses a module: no copy is written */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "setup.h"

/* Write xen-gntdev.ko here after @change, and have it refused. */
static void refuse_changed(void (*change)(struct ko *ko, struct blob *file), const char *reason)
{
	struct blob file = setup_stock_file("xen-gntdev"), copy = file;
	struct reason why;
	struct run run;
	struct ko ko;

	copy.data = malloc(file.size);
	CHECK(copy.data);
	memcpy(copy.data, file.data, file.size);
	if (ko_parse(&ko, copy, &why))
		FAIL("%s", why.text);
	/* Offsets are equal in both: the signature is at the end. */
	change(&ko, &file);
	ko_free(&ko);
	setup_enter();
	setup_write("xen-gntdev.ko", file.data, file.size);
	free(file.data);
	run = setup_bind("--force", "./xen-gntdev.ko");
	setup_check_refused(&run, reason);
}

static Elf64_Ehdr *header(struct blob *file)
{
	return (Elf64_Ehdr *)file->data;
}

static Elf64_Shdr *section(struct blob *file, size_t index)
{
	return (Elf64_Shdr *)(file->data + header(file)->e_shoff) + index;
}

static unsigned char *same_place(const struct ko *ko, struct blob *file, const void *place)
{
	return file->data + ((const unsigned char *)place - ko->blob.data);
}

#define REFUSE(name, reason)							\
	static void change_##name(struct ko *ko, struct blob *file);		\
	TEST(refuse_##name) { refuse_changed(change_##name, reason); }		\
	static void change_##name(struct ko *ko __attribute__((unused)),	\
				  struct blob *file __attribute__((unused)))

REFUSE(licence, "licence 'GPX")
{
	same_place(ko, file, ko_modinfo(ko, "license", NULL))[2] = 'X';
}

REFUSE(no_licence, "no licence")
{
	same_place(ko, file, ko_modinfo(ko, "license", NULL))[-1] = '-';
}

REFUSE(other_kernel, "for another kernel")
{
	same_place(ko, file, ko_modinfo(ko, "vermagic", NULL))[0]++;
}

REFUSE(no_modinfo, "no section .modinfo")
{
	const Elf64_Shdr *names = &ko->headers[header(file)->e_shstrndx];

	file->data[names->sh_offset + ko->headers[ko->modinfo].sh_name]++;
}

REFUSE(modinfo_without_end, ".modinfo has no end")
{
	const Elf64_Shdr *modinfo = &ko->headers[ko->modinfo];

	file->data[modinfo->sh_offset + modinfo->sh_size - 1] = 'x';
}

REFUSE(no_elf, "not an ELF file")
{
	file->data[0]++;
}

REFUSE(bits_32, "32-bit")
{
	file->data[EI_CLASS] = ELFCLASS32;
}

REFUSE(big_endian, "little-endian")
{
	file->data[EI_DATA] = ELFDATA2MSB;
}

REFUSE(other_machine, "another machine (183)")
{
	header(file)->e_machine = EM_AARCH64;
}

REFUSE(program, "not a relocatable file")
{
	header(file)->e_type = ET_EXEC;
}

REFUSE(section_table_out_of_file, "table of sections is not in the file")
{
	header(file)->e_shoff = file->size & ~7UL;
}

REFUSE(section_table_offset_wraps, "table of sections is not in the file")
{
	header(file)->e_shoff = -64UL;
}

REFUSE(section_out_of_file, "is not in the file")
{
	section(file, ko->modinfo)->sh_offset = file->size;
}

REFUSE(section_size_wraps, "is not in the file")
{
	section(file, ko->modinfo)->sh_size = -1UL;
}

REFUSE(section_name_out_of_table, "the name of section 1")
{
	section(file, 1)->sh_name = 0x7fffffff;
}

REFUSE(no_section_names, "no names of sections")
{
	header(file)->e_shstrndx = 0xffff;
}

REFUSE(symbol_name_out_of_table, "the name of symbol 1")
{
	((Elf64_Sym *)(file->data + ko->headers[ko->symtab].sh_offset))[1].st_name = -1U;
}

REFUSE(symbol_names_without_end, "names of symbols have no end")
{
	const Elf64_Shdr *names = &ko->headers[ko->strtab];

	file->data[names->sh_offset + names->sh_size - 1] = 'x';
}

REFUSE(symbol_names_missing, "names of symbols have no end")
{
	section(file, ko->symtab)->sh_link = 0xffffff;
}

REFUSE(symbol_size, "the symbol table")
{
	section(file, ko->symtab)->sh_entsize = 16;
}

REFUSE(symbols_overlap_a_section, "overlaps")
{
	section(file, 1)->sh_offset = ko->headers[ko->symtab].sh_offset;
}

REFUSE(no_end_of_signature, "are no signature")
{
	file->size -= 4;
}

REFUSE(signature_larger_than_file, "signature is larger")
{
	file->data[file->size - 28 - 4] = 0x7f;
}

/* Of the module's own name for the version, if the kernel has MODVERSIONS */
static struct ko_version *version_of(const struct ko *ko, struct blob *file, const char *name)
{
	struct ko_version *version;
	size_t i;

	for (i = 0; i < ko_nr(ko, ko->versions, sizeof(*version)); i++) {
		version = (struct ko_version *)ko_data(ko, ko->versions) + i;
		if (!strcmp(version->name, name))
			return (struct ko_version *)same_place(ko, file, version);
	}
	SKIP("the kernel has no MODVERSIONS");
}

REFUSE(no_version_of_a_function, "__versions lacks")
{
	version_of(ko, file, "mmu_interval_notifier_remove")->name[0] = 'x';
}

REFUSE(version_without_end, "of __versions has no end")
{
	struct ko_version *version = version_of(ko, file, "mmu_interval_notifier_remove");

	memset(version->name, 'x', sizeof(version->name));
}

TEST(refuse_no_user)
{
	struct run run;

	setup_enter();
	run = setup_bind("dummy");
	setup_check_refused(&run, "does not call the kernel's interval notifier");
}

TEST(refuse_unknown_module)
{
	struct run run;

	setup_enter();
	run = setup_bind("no-such-module");
	setup_check_refused(&run, "no such module");
}

TEST(refuse_bound_already)
{
	struct run run;

	setup_enter();
	run = setup_bind("xen-gntdev");
	CHECK_EQ(run.status, 0);
	CHECK(!rename("out/xen-gntdev.ko", "xen-gntdev.ko"));
	run = setup_bind("./xen-gntdev.ko");
	setup_check_refused(&run, "bound already");
}

TEST(refuse_pinwatch_of_another_kernel)
{
	struct run run;

	setup_enter();
	run = setup_run("--modules", setup_env("BIND_MODULES"), "--pinwatch",
			setup_env("BIND_OTHER"), "--output", "out", "xen-gntdev", NULL);
	setup_check_refused(&run, "for another kernel");
}

TEST(refuse_without_pinwatch)
{
	struct run run;

	setup_enter();
	run = setup_run("--modules", setup_env("BIND_MODULES"), "--kernel", "none", "--output",
			"out", "xen-gntdev", NULL);
	setup_check_refused(&run, "pinwatch.ko is not installed for none");
}

/* A pinwatch.ko in which each symbol PREFIX... is called otherwise */
static void write_pinwatch_without(const char *prefix)
{
	struct ko pinwatch = setup_pinwatch();
	const Elf64_Sym *symbols = ko_symbols(&pinwatch);
	size_t i;

	for (i = 0; i < ko_nr_symbols(&pinwatch); i++) {
		char *name = (char *)ko_symbol_name(&pinwatch, &symbols[i]);

		if (!strncmp(name, prefix, strlen(prefix)))
			name[2] = 'x';
	}
	setup_write("pinwatch.ko", pinwatch.blob.data, pinwatch.blob.size);
	ko_free(&pinwatch);
}

static void refuse_pinwatch_without(const char *prefix, const char *reason)
{
	struct run run;

	setup_enter();
	write_pinwatch_without(prefix);
	run = setup_run("--modules", setup_env("BIND_MODULES"), "--pinwatch", "pinwatch.ko",
			"--output", "out", "xen-gntdev", NULL);
	setup_check_refused(&run, reason);
}

TEST(refuse_pinwatch_without_exports)
{
	refuse_pinwatch_without("__ksymtab_pinwatch_dropin", "does not export");
}

TEST(refuse_pinwatch_without_crcs)
{
	struct ko ko = setup_read(setup_stock("xen-gntdev"));

	if (!ko.versions)
		SKIP("the kernel has no MODVERSIONS");
	ko_free(&ko);
	refuse_pinwatch_without("__crc_pinwatch_dropin", "has no CRC");
}

TEST(refuse_part_of_a_group)
{
	struct run run;

	setup_enter();
	run = setup_bind("hfi1");
	setup_check_refused(&run, "hfi1 must be bound together with ib_");
}

TEST(refuse_all_for_one)
{
	struct run run;

	setup_enter();
	run = setup_bind("xen-gntdev", "dummy");
	setup_check_refused(&run, "dummy");
}

/* Have the copy of the file @input refused, which would be the file out/xen-gntdev.ko. */
static void refuse_over_input(const char *output, const char *input)
{
	struct ko before = setup_read(input), after;
	struct run run = setup_run("--modules", setup_env("BIND_MODULES"), "--pinwatch",
				   setup_env("BIND_PINWATCH"), "--output", output, input, NULL);

	if (run.status != 1 || !strstr(run.text, "would overwrite the module"))
		FAIL("status %d: %s", run.status, run.text);
	after = setup_read(input);
	CHECK(after.signed_ && after.blob.size == before.blob.size);
	CHECK(!memcmp(after.blob.data, before.blob.data, after.blob.size));
	CHECK_EQ(setup_nr_files(output), 1);
	ko_free(&before);
	ko_free(&after);
}

static void write_stock(const char *path)
{
	struct blob file = setup_stock_file("xen-gntdev");

	setup_write(path, file.data, file.size);
	free(file.data);
}

TEST(refuse_output_over_input)
{
	setup_enter();
	write_stock("out/xen-gntdev.ko");
	refuse_over_input("out", "out/xen-gntdev.ko");
}

TEST(refuse_output_over_input_by_symlink)
{
	setup_enter();
	write_stock("xen-gntdev.ko");
	CHECK(!symlink("../xen-gntdev.ko", "out/xen-gntdev.ko"));
	refuse_over_input("out", "xen-gntdev.ko");
}

TEST(refuse_output_over_input_by_hard_link)
{
	setup_enter();
	write_stock("xen-gntdev.ko");
	CHECK(!link("xen-gntdev.ko", "out/xen-gntdev.ko"));
	refuse_over_input("out", "xen-gntdev.ko");
}

TEST(refuse_output_without_directory)
{
	struct run run;

	setup_enter();
	run = setup_run("--modules", setup_env("BIND_MODULES"), "--pinwatch",
			setup_env("BIND_PINWATCH"), "--output", "none", "xen-gntdev", NULL);
	setup_check_refused(&run, "none/xen-gntdev.ko: No such file");
}

/* The write of the second, larger copy fails: neither copy stays, nor a temporary file. */
TEST(refuse_output_that_cannot_be_written)
{
	struct rlimit limit = { 100UL * 1024, 100UL * 1024 };
	struct run run;

	setup_enter();
	signal(SIGXFSZ, SIG_IGN);
	CHECK(!setrlimit(RLIMIT_FSIZE, &limit));
	run = setup_bind("--force", "xen-gntdev", "hfi1");
	setup_check_refused(&run, "File too large");
}

/* The second copy cannot get its name: the first loses its name again. */
TEST(refuse_output_that_cannot_be_named)
{
	struct run run;

	setup_enter();
	CHECK(!mkdir("out/xen-gntdev.ko", 0700));
	run = setup_bind("--force", "hfi1", "xen-gntdev");
	CHECK_EQ(run.status, 1);
	CHECK(strstr(run.text, "out/xen-gntdev.ko: Is a directory"));
	CHECK_EQ(setup_nr_files("out"), 1);
}

TEST(refuse_usage)
{
	CHECK_EQ(setup_run("--output", "out", NULL).status, 2);
	CHECK_EQ(setup_run("xen-gntdev", NULL).status, 2);
	CHECK_EQ(setup_run("--audit", "--output", "out", NULL).status, 2);
	CHECK_EQ(setup_run("--json", "--output", "out", "x", NULL).status, 2);
	CHECK_EQ(setup_run("--no-such-option", NULL).status, 2);
	CHECK_EQ(setup_run("--help", NULL).status, 0);
	CHECK_EQ(setup_run("--version", NULL).status, 0);
}
