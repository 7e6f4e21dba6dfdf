// SPDX-License-Identifier: MIT
/*
 * Damaged files: pinwatch-bind refuses them, or the copy differs from the damaged file
 * only as a copy may. The sanitizers find accesses outside the file: each damaged file is
 * in a block of its own.
 */
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bind.h"
#include "compare.h"
#include "setup.h"

#define STEP	512

/* A copy of the first @size bytes */
static struct blob blob_part(const struct blob *blob, size_t size)
{
	struct blob part = { malloc(size ? size : 1), size };

	CHECK(part.data);
	memcpy(part.data, blob->data, size);
	return part;
}

/* Bind the module and compare. Returns false if it is refused. */
static bool bind_and_compare(const struct ko *ko, const struct ko *pinwatch, const char *damage)
{
	struct reason why;
	struct blob out;
	const char *found;
	struct ko copy;

	if (bind_check(ko, pinwatch, &why) || bind_copy(ko, pinwatch, &out, &why))
		return false;
	if (ko_parse(&copy, out, &why))
		FAIL("%s: a copy that is not valid: %s", damage, why.text);
	found = compare_copy(ko, &copy);
	if (found)
		FAIL("%s: %s", damage, found);
	ko_free(&copy);
	return true;
}

/* Owns @file. Returns true if it was bound. */
static bool try_file(struct blob file, const struct ko *pinwatch, const char *damage)
{
	struct reason why;
	struct ko ko;
	bool bound;

	if (ko_parse(&ko, file, &why))
		return false;
	bound = bind_and_compare(&ko, pinwatch, damage);
	ko_free(&ko);
	return bound;
}

TEST(fuzz_truncated, .seconds = 600)
{
	struct blob file = setup_stock_file("xen-gntdev");
	struct ko pinwatch = setup_pinwatch();
	char damage[64];
	size_t size;

	for (size = 0; size < file.size; size += STEP) {
		snprintf(damage, sizeof(damage), "first %zu bytes", size);
		if (try_file(blob_part(&file, size), &pinwatch, damage))
			FAIL("%s: not refused", damage);
		CHECK(true);
	}
	free(file.data);
	ko_free(&pinwatch);
}

/* Flip each @step-th byte, or a bit of the byte. */
static void fuzz_flips(size_t step)
{
	struct blob file = setup_stock_file("xen-gntdev"), part;
	struct ko pinwatch = setup_pinwatch();
	uint64_t state = test_seed();
	size_t at, nr = 0, nr_bound = 0;
	char damage[64];
	unsigned char mask;

	for (at = random_below(&state, step); at < file.size; at += step, nr++) {
		mask = nr & 1 ? 0xff : 1 << random_below(&state, 8);
		part = blob_part(&file, file.size);
		part.data[at] ^= mask;
		snprintf(damage, sizeof(damage), "byte %zu ^ 0x%02x", at, mask);
		nr_bound += try_file(part, &pinwatch, damage);
		CHECK(true);
	}
	test_note("%zu of %zu flips were bound", nr_bound, nr);
	CHECK(nr_bound < nr);
	free(file.data);
	ko_free(&pinwatch);
}

TEST(fuzz_flipped)
{
	fuzz_flips(61);
}

TEST(fuzz_flipped_each, .full = true, .seconds = 1200)
{
	fuzz_flips(1);
}

/* Bind with a damaged pinwatch.ko: its header, or its table of sections, has a flipped bit. */
TEST(fuzz_flipped_pinwatch, .seconds = 600)
{
	struct ko ko = setup_read(setup_stock("xen-gntdev"));
	struct ko pinwatch = setup_pinwatch(), damaged;
	const Elf64_Ehdr *elf = (Elf64_Ehdr *)pinwatch.blob.data;
	uint64_t state = test_seed();
	struct reason why;
	struct blob part;
	size_t i, at;

	for (i = 0; i < 200; i++) {
		part = blob_part(&pinwatch.blob, pinwatch.blob.size);
		at = i < sizeof(*elf) ? i : elf->e_shoff +
		     random_below(&state, pinwatch.nr_sections * sizeof(Elf64_Shdr));
		CHECK(at < part.size);
		part.data[at] ^= 1 << random_below(&state, 8);
		if (ko_parse(&damaged, part, &why))
			continue;
		bind_and_compare(&ko, &damaged, "pinwatch.ko");
		ko_free(&damaged);
		CHECK(true);
	}
	ko_free(&pinwatch);
	ko_free(&ko);
}

static struct blob compress(const struct blob *file)
{
	struct blob xz = { NULL, lzma_stream_buffer_bound(file->size) };
	size_t done = 0;

	xz.data = malloc(xz.size);
	CHECK(xz.data);
	CHECK_EQ(lzma_easy_buffer_encode(0, LZMA_CHECK_CRC32, NULL, file->data, file->size,
					 xz.data, &done, xz.size), LZMA_OK);
	xz.size = done;
	return xz;
}

static void check_xz_refused(const struct blob *xz, const char *damage, size_t at)
{
	struct reason why;
	struct blob out;

	if (!file_decompress(xz, &out, &why))
		FAIL("%s %zu: not refused", damage, at);
	CHECK(true);
}

TEST(fuzz_truncated_xz, .seconds = 600)
{
	struct blob file = setup_stock_file("xen-gntdev"), xz = compress(&file), part;
	size_t size;

	for (size = 0; size < xz.size; size += STEP) {
		part = blob_part(&xz, size);
		check_xz_refused(&part, "first bytes", size);
		free(part.data);
	}
	free(xz.data);
	free(file.data);
}

TEST(fuzz_flipped_xz, .seconds = 600)
{
	struct blob file = setup_stock_file("xen-gntdev"), xz = compress(&file);
	size_t at;

	for (at = 0; at < xz.size; at += 7) {
		xz.data[at] ^= 0x10;
		check_xz_refused(&xz, "byte", at);
		xz.data[at] ^= 0x10;
	}
	free(xz.data);
	free(file.data);
}

/* The program itself: no output file but for a copy that is bound. */
TEST(fuzz_program_truncated, .seconds = 600)
{
	struct blob file = setup_stock_file("xen-gntdev");
	struct run run;
	size_t size;

	setup_enter();
	for (size = 0; size < file.size; size += STEP) {
		setup_write("xen-gntdev.ko", file.data, size);
		run = setup_bind("--force", "./xen-gntdev.ko");
		setup_check_refused(&run, "xen-gntdev.ko: ");
	}
	free(file.data);
}
