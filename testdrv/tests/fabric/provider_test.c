// SPDX-License-Identifier: MIT
/* When the provider imports the monitor, and what it prints when it cannot. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rdma/fi_errno.h>
#include <rdma/fi_ext.h>

#include "fake.h"
#include "fake_fabric.h"
#include "provider.h"
#include "test.h"

static char printed[4096];

/* Load the provider, and keep what it prints in @printed. */
static void load(const char *variable)
{
	int old = dup(STDERR_FILENO), fd = memfd_create("stderr", MFD_CLOEXEC);
	struct fi_info *info = NULL;
	struct fi_provider *provider;

	CHECK(old >= 0 && fd >= 0);
	if (variable)
		CHECK_EQ(setenv("FI_MR_CACHE_MONITOR", variable, 1), 0);
	else
		CHECK_EQ(unsetenv("FI_MR_CACHE_MONITOR"), 0);
	CHECK(dup2(fd, STDERR_FILENO) >= 0);
	provider = fi_prov_ini();
	CHECK(dup2(old, STDERR_FILENO) >= 0);
	memset(printed, 0, sizeof(printed));
	CHECK(pread(fd, printed, sizeof(printed) - 1, 0) >= 0);
	close(old);
	close(fd);
	CHECK(provider && !strcmp(provider->name, "pinwatch"));
	CHECK_EQ(provider->fi_version, fabric.version);
	CHECK(provider->fabric && provider->cleanup);
	CHECK_EQ(provider->getinfo(fabric.version, NULL, NULL, 0, NULL, &info), -FI_ENODATA);
	CHECK(!info);
}

/* Exactly one line, with @text in it, and no import. */
static void complains(const char *text)
{
	load("pinwatch");
	CHECK_EQ(fabric.nr_imports, 0);
	if (!strstr(printed, text) || !strstr(printed, "default monitor"))
		FAIL("not in the line: %s: %s", text, printed);
	CHECK(strchr(printed, '\n') == printed + strlen(printed) - 1);
	pw_provider.cleanup();
}

static void silent(const char *variable)
{
	load(variable);
	CHECK_EQ(fabric.nr_imports, 0);
	CHECK_EQ(printed[0], 0);
	pw_provider.cleanup();
}

TEST(other_values_import_nothing)
{
	silent(NULL);
	silent("");
	silent("disabled");
	silent("memhooks");
	silent("userfaultfd");
	silent("pinwatch2");
	fabric.open_error = -ENOENT;
	silent(NULL);
	silent("disabled");
}

TEST(pinwatch_imports_once)
{
	load("pinwatch");
	CHECK_EQ(printed[0], 0);
	CHECK_EQ(fabric.nr_imports, 1);
	load("pinwatch");
	CHECK_EQ(fabric.nr_imports, 1);
	pw_provider.cleanup();
	pw_provider.cleanup();
}

TEST(oldest_fabric_imports)
{
	fabric.version = FI_VERSION(1, 14);
	load("pinwatch");
	CHECK_EQ(printed[0], 0);
	CHECK_EQ(fabric.nr_imports, 1);
}

TEST(older_fabric_complains)
{
	fabric.version = FI_VERSION(1, 13);
	complains("install libfabric 1.14 or later");
}

TEST(no_device_complains)
{
	fabric.open_error = -ENOENT;
	complains("modprobe pinwatch");
}

TEST(no_permission_complains)
{
	fabric.open_error = -EACCES;
	complains("group pinwatch");
}

TEST(other_abi_complains)
{
	fabric.open_error = -EPROTO;
	complains("one version of pinwatch");
}

TEST(module_without_flag_pages_complains)
{
	fabric.missing_flags = PINWATCH_WATCH_F_PAGES;
	complains("one version of pinwatch");
}

TEST(other_import_complains)
{
	fabric.import_error = -FI_EBUSY;
	complains("memory monitor of its own");
}

TEST(unknown_error_complains)
{
	fabric.open_error = -EMFILE;
	complains("pinwatch-libfabric(7)");
}
