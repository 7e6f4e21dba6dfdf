// SPDX-License-Identifier: MIT
/* See output.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bind.h"
#include "output.h"

/* Copies that are written, with their temporary files */
struct output {
	struct new_file *files;
	size_t nr;
};

static void complain(const char *path, const struct reason *why)
{
	fprintf(stderr, "pinwatch-bind: %s: %s\n", path, why->text);
}

/* Returns the number of modules that must be bound with @module but are not chosen. */
static size_t print_missing(const struct set *set, const struct module *module)
{
	size_t i, nr = 0;

	for (i = 0; i < set->nr; i++) {
		if (!group_same(module, &set->modules[i]) || set->modules[i].chosen)
			continue;
		if (!nr++)
			fprintf(stderr, "pinwatch-bind: %s must be bound together with",
				module->name);
		fprintf(stderr, " %s", set->modules[i].name);
	}
	if (nr)
		fputs(": they can share handles (--force: bind a part)\n", stderr);
	return nr;
}

int output_check_groups(const struct set *set)
{
	size_t i, nr = 0;

	for (i = 0; i < set->nr; i++)
		if (set->modules[i].chosen)
			nr += print_missing(set, &set->modules[i]);
	return nr ? -1 : 0;
}

/* Return DIRECTORY/NAME.ko. */
static char *output_path(const char *directory, const char *path)
{
	const char *name = strrchr(path, '/');
	char *output, *end;

	if (asprintf(&output, "%s/%s", directory, name ? name + 1 : path) < 0)
		return NULL;
	end = output + strlen(output) - strlen(".xz");
	if (!strcmp(end, ".xz"))
		*end = '\0';
	return output;
}

static int check_not_input(const struct set *set, const char *path, struct reason *why)
{
	struct stat output, input;
	size_t i;

	if (stat(path, &output))
		return 0;	/* file_stage() reports other errors than ENOENT */
	for (i = 0; i < set->nr; i++)
		if (!stat(set->modules[i].path, &input) && input.st_ino == output.st_ino &&
		    input.st_dev == output.st_dev)
			return reason_set(why, "the copy would overwrite the module %s",
					  set->modules[i].path);
	return 0;
}

static int check_not_output(const struct output *output, const char *path, struct reason *why)
{
	size_t i;

	for (i = 0; i < output->nr; i++)
		if (!strcmp(output->files[i].path, path))
			return reason_set(why, "two copies would be %s", path);
	return 0;
}

static int stage_at(struct output *output, const struct set *set, const char *path,
		    const struct blob *copy, struct reason *why)
{
	if (check_not_input(set, path, why) || check_not_output(output, path, why) ||
	    file_stage(&output->files[output->nr], path, copy, why))
		return -1;
	output->nr++;
	return 0;
}

static int stage_copy(struct output *output, const struct set *set,
		      const struct module *module, const char *directory,
		      const struct blob *copy, struct reason *why)
{
	char *path = output_path(directory, module->path);
	int ret = path ? stage_at(output, set, path, copy, why) :
		  reason_set(why, "no memory");

	free(path);
	return ret;
}

static int module_copy(const struct module *module, const struct ko *pinwatch,
		       struct blob *copy, struct reason *why)
{
	struct ko ko;
	int ret;

	if (ko_read(&ko, module->path, why))
		return -1;
	ret = bind_check(&ko, pinwatch, why) || bind_copy(&ko, pinwatch, copy, why);
	ko_free(&ko);
	return ret ? -1 : 0;
}

static int module_stage(struct output *output, const struct set *set,
			const struct module *module, const struct ko *pinwatch,
			const char *directory)
{
	struct blob copy = { 0 };
	struct reason why;
	int ret = module_copy(module, pinwatch, &copy, &why);

	if (!ret)
		ret = stage_copy(output, set, module, directory, &copy, &why);
	free(copy.data);
	if (ret)
		complain(module->path, &why);
	return ret;
}

/* Go on after a refused module, to report all reasons. */
static int stage_all(struct output *output, const struct set *set, const struct ko *pinwatch,
		     const char *directory)
{
	int ret = 0;
	size_t i;

	for (i = 0; i < set->nr; i++)
		if (set->modules[i].chosen &&
		    module_stage(output, set, &set->modules[i], pinwatch, directory))
			ret = -1;
	return ret;
}

/* If a copy cannot get its name, remove those that have theirs: a part must not stay. */
static int commit_all(struct output *output)
{
	struct reason why;
	size_t i;

	for (i = 0; i < output->nr; i++)
		if (file_commit(&output->files[i], &why))
			break;
	if (i == output->nr)
		return 0;
	fprintf(stderr, "pinwatch-bind: %s\n", why.text);
	while (i--)
		unlink(output->files[i].path);
	return -1;
}

int output_write(const struct set *set, const struct ko *pinwatch, const char *directory)
{
	struct output output = { .files = calloc(set->nr, sizeof(*output.files)) };
	int ret = -1;

	if (!output.files)
		fputs("pinwatch-bind: no memory\n", stderr);
	else
		ret = stage_all(&output, set, pinwatch, directory);
	if (!ret)
		ret = commit_all(&output);
	while (output.nr--)
		file_discard(&output.files[output.nr]);
	free(output.files);
	return ret;
}
