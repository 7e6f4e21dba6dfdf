// SPDX-License-Identifier: MIT
/* See audit.h. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "audit.h"
#include "notifier.h"

static bool any_chosen(const struct set *set)
{
	size_t i;

	for (i = 0; i < set->nr; i++)
		if (set->modules[i].chosen)
			return true;
	return false;
}

/* Is a line printed for the module? */
static bool is_listed(const struct module *module, bool chosen_only)
{
	return chosen_only ? module->chosen : module_is_user(module);
}

static const char *engine(const struct module *module)
{
	if (module->calls.kernel)
		return module->calls.pinwatch ? "both" : "kernel";
	return module->calls.pinwatch ? "pinwatch" : "-";
}

static int name_width(const struct set *set, bool chosen_only)
{
	size_t i, length, width = strlen("MODULE");

	for (i = 0; i < set->nr; i++) {
		length = strlen(set->modules[i].name);
		if (is_listed(&set->modules[i], chosen_only) && length > width)
			width = length;
	}
	return (int)width;
}

static void print_head(int width)
{
	unsigned int i;

	printf("%-*s  %-8s  %5s", width, "MODULE", "CALLS", "GROUP");
	for (i = 0; i < NR_NOTIFIER_FUNCTIONS; i++)
		printf("  %s", notifier_functions[i].title);
	putchar('\n');
}

static void print_line(const struct module *module, int width)
{
	unsigned int i, calls = module->calls.kernel | module->calls.pinwatch;
	char group[16] = "-";

	if (module->group)
		snprintf(group, sizeof(group), "%u", module->group);
	printf("%-*s  %-8s  %5s", width, module->name, engine(module), group);
	for (i = 0; i < NR_NOTIFIER_FUNCTIONS; i++)
		printf("  %*s", (int)strlen(notifier_functions[i].title),
		       calls & 1U << i ? "yes" : "-");
	putchar('\n');
}

static bool group_is_listed(const struct set *set, unsigned int group, bool chosen_only)
{
	size_t i;

	for (i = 0; i < set->nr; i++)
		if (set->modules[i].group == group && is_listed(&set->modules[i], chosen_only))
			return true;
	return false;
}

static void print_group(const struct set *set, unsigned int group)
{
	size_t i;

	printf("Group %u, to be bound together:", group);
	for (i = 0; i < set->nr; i++)
		if (set->modules[i].group == group)
			printf(" %s", set->modules[i].name);
	putchar('\n');
}

bool audit_print(const struct set *set)
{
	bool chosen_only = any_chosen(set);
	int width = name_width(set, chosen_only);
	unsigned int group;
	size_t i;

	print_head(width);
	for (i = 0; i < set->nr; i++)
		if (is_listed(&set->modules[i], chosen_only))
			print_line(&set->modules[i], width);
	for (group = 1; group <= set->nr_groups; group++)
		if (group_is_listed(set, group, chosen_only))
			print_group(set, group);
	return !fflush(stdout) && !ferror(stdout);
}

static json_t *functions_to_json(unsigned int calls, bool kernel)
{
	json_t *array = json_array();
	unsigned int i;

	for (i = 0; i < NR_NOTIFIER_FUNCTIONS; i++)
		if (calls & 1U << i)
			json_array_append_new(array, json_string(kernel ?
					      notifier_functions[i].kernel :
					      notifier_functions[i].pinwatch));
	return array;
}

/* A path that is not UTF-8 is null. */
static json_t *module_to_json(const struct module *module)
{
	return json_pack("{s:s*, s:o, s:s*, s:o, s:o, s:o}",
			 "name", module->name,
			 "file", json_string(module->path) ?: json_null(),
			 "release", module->release,
			 "kernel", functions_to_json(module->calls.kernel, true),
			 "pinwatch", functions_to_json(module->calls.pinwatch, false),
			 "group", module->group ? json_integer(module->group) : json_null());
}

static json_t *group_to_json(const struct set *set, unsigned int group)
{
	json_t *names = json_array();
	size_t i;

	for (i = 0; i < set->nr; i++)
		if (set->modules[i].group == group)
			json_array_append_new(names, json_string(set->modules[i].name));
	return json_pack("{s:i, s:o}", "group", (int)group, "modules", names);
}

static json_t *set_to_json(const struct set *set, bool chosen_only)
{
	json_t *modules = json_array(), *groups = json_array();
	unsigned int group;
	size_t i;

	for (i = 0; i < set->nr; i++)
		if (is_listed(&set->modules[i], chosen_only))
			json_array_append_new(modules, module_to_json(&set->modules[i]));
	for (group = 1; group <= set->nr_groups; group++)
		if (group_is_listed(set, group, chosen_only))
			json_array_append_new(groups, group_to_json(set, group));
	return json_pack("{s:o, s:o}", "modules", modules, "groups", groups);
}

bool audit_print_json(const struct set *set)
{
	json_t *json = set_to_json(set, any_chosen(set));
	bool ok = json && !json_dumpf(json, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);

	json_decref(json);
	putchar('\n');
	return !fflush(stdout) && ok && !ferror(stdout);
}
