/* SPDX-License-Identifier: MIT */
/* The modules of a kernel, and which of them must be bound together */
#ifndef SET_H
#define SET_H

#include <stdbool.h>
#include <stddef.h>

#include "ko.h"
#include "reason.h"

/**
 * struct module - name, kernel and functions of a module, without its file
 * @name: As in .modinfo, '_' for '-'.
 * @path: Of the file.
 * @release: First word of vermagic.
 * @depends: Names, each followed by a comma, '_' for '-'.
 * @calls: Functions that the module calls.
 * @group: Number from 1, or 0: no other module must be bound together with this one.
 * @chosen: The command line names the module.
 * @visited: For group_find().
 */
struct module {
	char *name;
	char *path;
	char *release;
	char *depends;
	struct ko_calls calls;
	unsigned int group;
	bool chosen;
	bool visited;
};

struct set {
	struct module *modules;
	size_t nr;
	unsigned int nr_groups;
};

/*
 * Add each module below @directory. Prints why a file cannot be read, and goes on.
 * Returns 0, -1 if @directory cannot be read (@why), or the number of bad files.
 */
int set_scan(struct set *set, const char *directory, struct reason *why);

/* Add the file @path as chosen, in place of a module of that name. Returns 0, or -1. */
int set_choose_file(struct set *set, const char *path, struct reason *why);

/* Mark the module @name, with '-' or '_', as chosen. Returns 0, or -1 if there is none. */
int set_choose_name(struct set *set, const char *name, struct reason *why);

struct module *set_find(const struct set *set, const char *name, size_t length);

/* By name. Pointers to modules become invalid. */
void set_sort(struct set *set);

void set_free(struct set *set);

/*
 * Number the groups. Two modules that call any of the functions belong to one group if
 * one of them depends on the other, also by way of other modules: a handle can pass
 * between them, and all users of a handle must use the same engine.
 */
void group_find(struct set *set);

/* The module calls the kernel's or pinwatch's interval notifier. */
static inline bool module_is_user(const struct module *module)
{
	return module->calls.kernel || module->calls.pinwatch;
}

/* The module @other must be bound if @module is. */
static inline bool group_same(const struct module *module, const struct module *other)
{
	return module != other && module->group && module->group == other->group;
}

#endif /* SET_H */
