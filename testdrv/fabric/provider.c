// SPDX-License-Identifier: MIT
/*
 * The decision whether the monitor works for this process. FI_MR_CACHE_MONITOR=pinwatch turns
 * the monitor on. libfabric has read the variable already, does not know the value, and has
 * chosen its default, which an import replaces. The import would replace a monitor that the
 * user has chosen by another value, and "disabled", as well: so no other value imports.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rdma/fi_errno.h>
#include <rdma/fi_ext.h>

#include "libpinwatch.h"
#include "monitor.h"
#include "provider.h"

/* The import of 1.13 deadlocks. */
#define OLDEST_FABRIC	FI_VERSION(1, 14)

static bool imported;

static int getinfo(uint32_t version, const char *node, const char *service, uint64_t flags,
		   const struct fi_info *hints, struct fi_info **info)
{
	(void)version;
	(void)node;
	(void)service;
	(void)flags;
	(void)hints;
	(void)info;
	return -FI_ENODATA;
}

static int fabric(struct fi_fabric_attr *attr, struct fid_fabric **out, void *context)
{
	(void)attr;
	(void)out;
	(void)context;
	return -FI_ENODATA;
}

/*
 * libfabric requires its monitors to be without an import when it ends. While a domain is open,
 * the import stays: other threads may still search its cache, and libfabric would then call the
 * functions of a monitor that is gone.
 */
static void cleanup(void)
{
	if (!imported)
		return;
	imported = false;
	if (!pw_monitor_exit())
		fi_close(&pw_monitor.fid);
}

struct fi_provider pw_provider = {
	.version = FI_VERSION(1, 0),
	.name = "pinwatch",
	.getinfo = getinfo,
	.fabric = fabric,
	.cleanup = cleanup,
};

static const char *remedy(int error)
{
	switch (error) {
	case -ENOENT:
	case -ENXIO:
	case -ENODEV:
		return "load the kernel module: modprobe pinwatch";
	case -EACCES:
	case -EPERM:
		return "add the user to the group pinwatch, see pinwatch(4)";
	case -EPROTO:
		return "install the kernel module and the plugin from one version of pinwatch";
	case -ENOSYS:
		return "install libfabric 1.14 or later";
	case -EBUSY:
		return "the program has a memory monitor of its own, unset FI_MR_CACHE_MONITOR";
	}
	return "see pinwatch-libfabric(7)";
}

void pw_provider_complain(int error, const char *consequence)
{
	fprintf(stderr, "pinwatch: FI_MR_CACHE_MONITOR=pinwatch does not work: %s: %s (%s)\n",
		strerror(-error), remedy(error), consequence);
}

static int device_check(void)
{
	struct pinwatch_info info;
	struct pinwatch *dev;
	int ret = pinwatch_open(&dev, NULL, 0);

	if (ret)
		return ret;
	ret = pinwatch_get_info(dev, &info);
	if (!ret && !(info.watch_flags & PINWATCH_WATCH_F_PAGES))
		ret = -EPROTO;
	pinwatch_close(dev);
	return ret;
}

/*
 * The device is opened here because it is too late to choose another monitor in start(): some
 * providers fail then, others do not cache.
 */
static int import(void)
{
	int ret;

	if (fi_version() < OLDEST_FABRIC)
		return -ENOSYS;
	ret = device_check();
	if (ret)
		return ret;
	ret = pw_monitor_init();
	if (ret)
		return ret;
	return fi_import(OLDEST_FABRIC, "mr_cache", NULL, 0, 0, &pw_monitor.fid, NULL);
}

static bool wanted(void)
{
	const char *monitor = getenv("FI_MR_CACHE_MONITOR");

	return monitor && !strcmp(monitor, "pinwatch");
}

/*
 * The provider is returned in any case: libfabric keeps the library loaded, and fi_info -l
 * shows that libfabric has found it.
 */
__attribute__((visibility("default"))) struct fi_provider *fi_prov_ini(void)
{
	int ret;

	pw_provider.fi_version = fi_version();
	if (imported || !wanted())
		return &pw_provider;
	ret = import();
	if (ret)
		pw_provider_complain(ret, "libfabric uses its default monitor");
	imported = !ret;
	return &pw_provider;
}
