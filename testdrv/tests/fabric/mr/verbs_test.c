// SPDX-License-Identifier: MIT
/* fabric/ibverbs.c in a program that has libibverbs from a plugin only, out of the global scope. */
#include <dlfcn.h>
#include <errno.h>

#include "fake_verbs.h"
#include "test.h"
#include "ibverbs.h"

#define ADDR	((void *)0x10000)

static typeof(plugin_register) *call_register;
static typeof(plugin_deregister) *call_deregister;
static struct fake_verbs *fake;
static struct ibv_pd pd;

static unsigned int nr_begun, nr_ended, nr_deregistered;
static struct ibv_mr *last_mr;

static void *hook_begin(void *addr, size_t length)
{
	CHECK(addr == ADDR);
	CHECK_EQ(length, 4096);
	nr_begun++;
	errno = EIO;
	return &nr_begun;
}

static void hook_end(void *token, struct ibv_mr *mr)
{
	CHECK(token == &nr_begun);
	nr_ended++;
	last_mr = mr;
	errno = EIO;
}

static void hook_deregister(struct ibv_mr *mr)
{
	CHECK(mr->addr == ADDR);
	nr_deregistered++;
}

const struct verbs_hooks verbs_hooks = {
	.register_begin = hook_begin,
	.register_end = hook_end,
	.deregister = hook_deregister,
};

static void plugin_load(void)
{
	void *plugin = dlopen("verbs_plugin.so", RTLD_NOW | RTLD_LOCAL);

	if (!plugin)
		FAIL("%s", dlerror());
	call_register = dlsym(plugin, "plugin_register");
	call_deregister = dlsym(plugin, "plugin_deregister");
	fake = ((typeof(plugin_fake) *)dlsym(plugin, "plugin_fake"))();
	CHECK(!dlsym(RTLD_DEFAULT, "fake_verbs"));
}

static void register_check(int access)
{
	struct ibv_mr *mr = call_register(&pd, ADDR, 4096, access);

	CHECK(mr);
	CHECK(last_mr == mr);
	CHECK_EQ(call_deregister(mr), 0);
}

TEST(plugin_in_local_scope_is_reported)
{
	plugin_load();
	register_check(IBV_ACCESS_LOCAL_WRITE);
	register_check(IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_RELAXED_ORDERING);
	CHECK_EQ(nr_begun, 2);
	CHECK_EQ(nr_ended, 2);
	CHECK_EQ(nr_deregistered, 2);
}

TEST(hooks_keep_errno)
{
	struct ibv_mr *mr;

	plugin_load();
	errno = 0;
	mr = call_register(&pd, ADDR, 4096, 0);
	CHECK(mr);
	CHECK_EQ(errno, 0);
	fake->error = EPERM;
	CHECK(!call_register(&pd, ADDR, 4096, 0));
	CHECK_EQ(errno, EPERM);
	CHECK(!last_mr);
	CHECK_EQ(nr_ended, 2);
	CHECK_EQ(call_deregister(mr), 0);
}

TEST(on_demand_is_not_reported)
{
	struct ibv_mr *mr;

	plugin_load();
	mr = call_register(&pd, ADDR, 4096, IBV_ACCESS_ON_DEMAND);
	CHECK(mr);
	CHECK_EQ(nr_begun, 0);
	CHECK_EQ(call_deregister(mr), 0);
	CHECK_EQ(nr_deregistered, 1);
	register_check(0);
	CHECK_EQ(nr_begun, 1);
}

TEST(missing_libibverbs_is_an_error)
{
	errno = 0;
	CHECK(!ibv_reg_mr_iova2(&pd, ADDR, 4096, 0, 0));
	CHECK_EQ(errno, ENOSYS);
	CHECK_EQ(ibv_dereg_mr(NULL), ENOSYS);
	CHECK_EQ(nr_begun, 0);
}
