// SPDX-License-Identifier: MIT
/* See set.h. */
#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "set.h"

static void module_free(struct module *module)
{
	free(module->name);
	free(module->path);
	free(module->release);
	free(module->depends);
	*module = (struct module){ 0 };
}

void set_free(struct set *set)
{
	size_t i;

	for (i = 0; i < set->nr; i++)
		module_free(&set->modules[i]);
	free(set->modules);
	*set = (struct set){ 0 };
}

static void underscores(char *text)
{
	for (; *text; text++)
		if (*text == '-')
			*text = '_';
}

/* Copy the members of struct module from @ko. Returns 0, or -1 for lack of memory. */
static int module_init(struct module *module, const struct ko *ko, const char *path)
{
	const char *magic = ko_modinfo(ko, "vermagic", NULL);
	const char *depends = ko_modinfo(ko, "depends", NULL);

	*module = (struct module){
		.name = strdup(ko_modinfo(ko, "name", NULL)),
		.path = strdup(path),
		.release = strndup(magic, strcspn(magic, " ")),
		.calls = ko_calls(ko),
	};
	if (asprintf(&module->depends, "%s,", depends ? depends : "") < 0)
		module->depends = NULL;
	if (!module->name || !module->path || !module->release || !module->depends) {
		module_free(module);
		return -1;
	}
	underscores(module->name);
	underscores(module->depends);
	return 0;
}

static int module_read(struct module *module, const char *path, struct reason *why)
{
	struct ko ko;
	int ret;

	if (ko_read(&ko, path, why))
		return -1;
	ret = module_init(module, &ko, path);
	ko_free(&ko);
	if (ret)
		reason_set(why, "no memory");
	return ret;
}

struct module *set_find(const struct set *set, const char *name, size_t length)
{
	size_t i;

	for (i = 0; i < set->nr; i++)
		if (!strncmp(set->modules[i].name, name, length) &&
		    !set->modules[i].name[length])
			return &set->modules[i];
	return NULL;
}

static int set_add(struct set *set, const struct module *module, struct reason *why)
{
	struct module *modules = realloc(set->modules, (set->nr + 1) * sizeof(*modules));

	if (!modules)
		return reason_set(why, "no memory");
	set->modules = modules;
	set->modules[set->nr++] = *module;
	return 0;
}

static int set_add_file(struct set *set, const char *path, struct reason *why)
{
	struct module module;

	if (module_read(&module, path, why))
		return -1;
	if (!set_add(set, &module, why))
		return 0;
	module_free(&module);
	return -1;
}

static int compare_paths(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* Returns true if the file is bad. */
static bool scan_entry(struct set *set, const FTSENT *entry)
{
	struct reason why;

	if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR ||
	    entry->fts_info == FTS_NS)
		reason_set(&why, "%s", strerror(entry->fts_errno));
	else if (entry->fts_info != FTS_F || !file_is_module(entry->fts_name) ||
		 !set_add_file(set, entry->fts_path, &why))
		return false;
	fprintf(stderr, "pinwatch-bind: %s: %s\n", entry->fts_path, why.text);
	return true;
}

int set_scan(struct set *set, const char *directory, struct reason *why)
{
	char *const paths[] = { (char *)directory, NULL };
	FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_COMFOLLOW, compare_paths);
	const FTSENT *entry;
	int nr_bad = 0;

	if (!tree)
		return reason_set(why, "%s", strerror(errno));
	while ((entry = fts_read(tree)))
		nr_bad += scan_entry(set, entry);
	fts_close(tree);
	if (!set->nr)
		return reason_set(why, "no modules (.ko or .ko.xz)");
	return nr_bad;
}

int set_choose_file(struct set *set, const char *path, struct reason *why)
{
	struct module module, *old;

	if (module_read(&module, path, why))
		return -1;
	module.chosen = true;
	old = set_find(set, module.name, strlen(module.name));
	if (old) {
		module_free(old);
		*old = module;
		return 0;
	}
	if (!set_add(set, &module, why))
		return 0;
	module_free(&module);
	return -1;
}

int set_choose_name(struct set *set, const char *name, struct reason *why)
{
	char *wanted = strdup(name);
	struct module *module;

	if (!wanted)
		return reason_set(why, "no memory");
	underscores(wanted);
	module = set_find(set, wanted, strlen(wanted));
	free(wanted);
	if (!module)
		return reason_set(why, "no such module; a file's name ends in .ko or .ko.xz");
	module->chosen = true;
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct module *)a)->name, ((const struct module *)b)->name);
}

void set_sort(struct set *set)
{
	if (set->nr)
		qsort(set->modules, set->nr, sizeof(*set->modules), compare_names);
}
