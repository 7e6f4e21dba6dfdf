// SPDX-License-Identifier: MIT
/* Groups of modules that share handles. See set.h. */
#include <string.h>

#include "set.h"

static void group_replace(struct set *set, unsigned int old, unsigned int new)
{
	size_t i;

	for (i = 0; i < set->nr; i++)
		if (set->modules[i].group == old)
			set->modules[i].group = new;
}

/* Put both modules, and all modules of their groups, into one group. */
static void group_join(struct set *set, struct module *a, struct module *b)
{
	if (!a->group)
		a->group = ++set->nr_groups;
	if (!b->group)
		b->group = a->group;
	else if (b->group != a->group)
		group_replace(set, b->group, a->group);
}

/* Join @user with each user that @module depends on. */
static void visit(struct set *set, struct module *user, const struct module *module)
{
	const char *name = module->depends;
	struct module *found;
	size_t length;

	for (; *name; name += length + 1) {
		length = strcspn(name, ",");
		found = set_find(set, name, length);
		if (!length || !found || found->visited)
			continue;
		found->visited = true;
		if (module_is_user(found))
			group_join(set, user, found);
		visit(set, user, found);
	}
}

/* Number the groups from 1, in the order of the modules. */
static void renumber(struct set *set)
{
	unsigned int nr = 0, last = set->nr_groups;
	size_t i;

	for (i = 0; i < set->nr; i++)
		if (set->modules[i].group && set->modules[i].group <= last)
			group_replace(set, set->modules[i].group, last + ++nr);
	for (i = 0; i < set->nr; i++)
		if (set->modules[i].group)
			set->modules[i].group -= last;
	set->nr_groups = nr;
}

void group_find(struct set *set)
{
	size_t i, j;

	for (i = 0; i < set->nr; i++) {
		if (!module_is_user(&set->modules[i]))
			continue;
		for (j = 0; j < set->nr; j++)
			set->modules[j].visited = false;
		visit(set, &set->modules[i], &set->modules[i]);
	}
	renumber(set);
}
