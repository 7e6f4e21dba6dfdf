// SPDX-License-Identifier: MIT
/*
 * The strict mode: the plugin is in LD_PRELOAD as well, and watches memory before libibverbs
 * registers it. libfabric subscribes after the registration: a thread that exchanges a page in
 * between is not noticed otherwise. libfabric has bound ibv_reg_mr() before it loads plugins,
 * hence LD_PRELOAD.
 *
 * A cache subscribes to the range that it has registered. If the provider registers another
 * range, or by another function, then the subscription fails, and the cache does not keep the
 * registration.
 */
#include "monitor.h"
#include "table.h"
#include "ibverbs.h"

static void *register_begin(void *addr, size_t length)
{
	const int state = pw_monitor_cancel_disable();
	struct pw_table *table;

	pw_table_set_strict();
	table = pw_monitor_table_get();
	if (table) {
		pw_table_expect(table, addr, length);
		pw_monitor_table_put(table);
	}
	pw_monitor_cancel_restore(state);
	return NULL;
}

/* After a failure, the range stays expected: a watch that is too old does no harm. */
static void register_end(void *token, struct ibv_mr *mr)
{
	(void)token;
	(void)mr;
}

static void deregister(struct ibv_mr *mr)
{
	const int state = pw_monitor_cancel_disable();
	struct pw_table *table = pw_monitor_table_get();

	if (table) {
		pw_table_unexpect(table, mr->addr, mr->length);
		pw_monitor_table_put(table);
	}
	pw_monitor_cancel_restore(state);
}

const struct verbs_hooks verbs_hooks = {
	.register_begin = register_begin,
	.register_end = register_end,
	.deregister = deregister,
};
