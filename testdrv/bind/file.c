// SPDX-License-Identifier: MIT
/* See file.h. */
#include <errno.h>
#include <fcntl.h>
#include <lzma.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"

#define XZ_MEMORY	((uint64_t)512 << 20)
#define XZ_FIRST_SIZE	((size_t)1 << 20)

static bool ends_in(const char *text, const char *end)
{
	size_t length = strlen(text), tail = strlen(end);

	return length >= tail && !strcmp(text + length - tail, end);
}

bool file_is_module(const char *path)
{
	return ends_in(path, ".ko") || ends_in(path, ".ko.xz");
}

static int fd_read(int fd, struct blob *blob, struct reason *why)
{
	size_t done = 0;
	ssize_t nr;

	while (done < blob->size) {
		nr = read(fd, blob->data + done, blob->size - done);
		if (nr < 0 && errno == EINTR)
			continue;
		if (nr < 0)
			return reason_set(why, "%s", strerror(errno));
		if (!nr)
			return reason_set(why, "the file shrank while it was read");
		done += nr;
	}
	return 0;
}

static int raw_read(int fd, struct blob *blob, struct reason *why)
{
	struct stat st;

	if (fstat(fd, &st))
		return reason_set(why, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return reason_set(why, "not a regular file");
	if ((uint64_t)st.st_size > FILE_MAX_SIZE)
		return reason_set(why, "larger than 1 GiB");
	blob->size = st.st_size;
	blob->data = malloc(blob->size ? blob->size : 1);
	if (!blob->data)
		return reason_set(why, "no memory");
	if (!fd_read(fd, blob, why))
		return 0;
	free(blob->data);
	return -1;
}

static int blob_grow(struct blob *blob, struct reason *why)
{
	size_t size = blob->size ? 2 * blob->size : XZ_FIRST_SIZE;
	unsigned char *data;

	if (size > FILE_MAX_SIZE)
		return reason_set(why, "larger than 1 GiB when decompressed");
	data = realloc(blob->data, size);
	if (!data)
		return reason_set(why, "no memory");
	blob->data = data;
	blob->size = size;
	return 0;
}

static int xz_error(lzma_ret ret, struct reason *why)
{
	if (ret == LZMA_MEM_ERROR || ret == LZMA_MEMLIMIT_ERROR)
		return reason_set(why, "no memory to decompress the file");
	if (ret == LZMA_BUF_ERROR)
		return reason_set(why, "truncated: the xz data has no end");
	return reason_set(why, "not valid xz data");
}

static int xz_decode(lzma_stream *xz, struct blob *out, struct reason *why)
{
	lzma_ret ret;

	do {
		if (!xz->avail_out) {
			if (blob_grow(out, why))
				return -1;
			xz->next_out = out->data + xz->total_out;
			xz->avail_out = out->size - xz->total_out;
		}
		ret = lzma_code(xz, LZMA_FINISH);
	} while (ret == LZMA_OK);
	if (ret != LZMA_STREAM_END)
		return xz_error(ret, why);
	out->size = xz->total_out;
	return 0;
}

int file_decompress(const struct blob *in, struct blob *out, struct reason *why)
{
	lzma_stream xz = LZMA_STREAM_INIT;
	int ret;

	*out = (struct blob){ 0 };
	xz.next_in = in->data;
	xz.avail_in = in->size;
	if (lzma_stream_decoder(&xz, XZ_MEMORY, LZMA_CONCATENATED) != LZMA_OK)
		return reason_set(why, "no memory");
	ret = xz_decode(&xz, out, why);
	lzma_end(&xz);
	if (ret)
		free(out->data);
	return ret;
}

int file_read(const char *path, struct blob *blob, struct reason *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct blob raw = { 0 };
	int ret;

	if (fd < 0)
		return reason_set(why, "%s", strerror(errno));
	ret = raw_read(fd, &raw, why);
	close(fd);
	if (ret)
		return ret;
	if (!ends_in(path, ".xz")) {
		*blob = raw;
		return 0;
	}
	ret = file_decompress(&raw, blob, why);
	free(raw.data);
	return ret;
}

static int fd_write(int fd, const struct blob *blob)
{
	size_t done = 0;
	ssize_t nr;

	while (done < blob->size) {
		nr = write(fd, blob->data + done, blob->size - done);
		if (nr < 0 && errno != EINTR)
			return -errno;
		if (nr > 0)
			done += nr;
	}
	return fsync(fd) ? -errno : 0;
}

/* mkostemp() makes files that only the owner can read. */
static int fd_set_mode(int fd)
{
	mode_t mask = umask(0);

	umask(mask);
	return fchmod(fd, 0644 & ~mask) ? -errno : 0;
}

static int temporary_write(struct new_file *file, const struct blob *blob)
{
	int fd = mkostemp(file->temporary, O_CLOEXEC);
	int ret;

	if (fd < 0) {
		ret = -errno;
		free(file->temporary);
		file->temporary = NULL;
		return ret;
	}
	ret = fd_write(fd, blob);
	if (!ret)
		ret = fd_set_mode(fd);
	if (close(fd) && !ret)
		ret = -errno;
	return ret;
}

int file_stage(struct new_file *file, const char *path, const struct blob *blob,
	       struct reason *why)
{
	int ret;

	file->path = strdup(path);
	if (asprintf(&file->temporary, "%s.XXXXXX", path) < 0)
		file->temporary = NULL;
	ret = file->path && file->temporary ? temporary_write(file, blob) : -ENOMEM;
	if (!ret)
		return 0;
	file_discard(file);
	return reason_set(why, "%s: %s", path, strerror(-ret));
}

int file_commit(struct new_file *file, struct reason *why)
{
	if (rename(file->temporary, file->path))
		return reason_set(why, "%s: %s", file->path, strerror(errno));
	free(file->temporary);
	file->temporary = NULL;
	return 0;
}

void file_discard(struct new_file *file)
{
	if (file->temporary)
		unlink(file->temporary);
	free(file->temporary);
	free(file->path);
	*file = (struct new_file){ 0 };
}
