// SPDX-License-Identifier: MIT
/*
 * The debug key "g" makes the hypervisor print a line for each grant that is mapped:
 *
 *	(XEN) [0x008]      0 0x0e4b3c 0x00000001          0 0x0e4b3c 0x19
 *
 * Press the key, and read the lines from the console ring of the hypervisor.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "table.h"
#include "test.h"

#define HYPERCALL		_IOC(_IOC_NONE, 'P', 0, sizeof(struct hypercall))
#define HYPERCALL_SYSCTL	35
#define SYSCTL_READ_CONSOLE	1
#define SYSCTL_DEBUG_KEYS	7
#define SYSCTL_VERSION		0x15	/* of Xen 4.17 to 4.20 */

#define TEXT_SIZE	65536

/* struct privcmd_hypercall of <xen/privcmd.h>, which needs Xen's own headers. */
struct hypercall {
	uint64_t op;
	uint64_t arg[5];
};

/* struct xen_sysctl of Xen's public/sysctl.h. */
struct sysctl {
	uint32_t command;
	uint32_t version;
	union {
		struct {
			uint8_t clear;
			uint8_t incremental;
			uint8_t pad[2];
			uint32_t index;
			uint64_t buffer;
			uint32_t count;
		} read_console;
		struct {
			uint64_t keys;
			uint32_t nr_keys;
		} debug_keys;
		uint8_t pad[128];
	};
};

/**
 * struct request - the memory of a call
 * @sysctl: In and out.
 * @text: The keys to press, or what the hypervisor has printed.
 */
struct request {
	struct sysctl sysctl;
	char text[TEXT_SIZE];
};

/* The hypervisor handles no page fault: the memory must be present. */
static struct request *request_map(void)
{
	struct request *request = mmap(NULL, sizeof(*request), PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE,
				       -1, 0);

	CHECK(request != MAP_FAILED);
	return request;
}

static void sysctl_call(struct request *request, uint32_t command)
{
	struct hypercall call = {
		.op = HYPERCALL_SYSCTL,
		.arg = { (uintptr_t)&request->sysctl },
	};
	int fd = open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC);

	CHECK(fd >= 0);
	request->sysctl.command = command;
	request->sysctl.version = SYSCTL_VERSION;
	CHECK_EQ(ioctl(fd, HYPERCALL, &call), 0);
	close(fd);
}

/* Take all text out of the ring. */
static void console_read(struct request *request)
{
	memset(&request->sysctl, 0, sizeof(request->sysctl));
	request->sysctl.read_console.clear = 1;
	request->sysctl.read_console.buffer = (uintptr_t)request->text;
	request->sysctl.read_console.count = TEXT_SIZE - 1;
	sysctl_call(request, SYSCTL_READ_CONSOLE);
	request->text[request->sysctl.read_console.count] = '\0';
}

static void key_press(struct request *request, char key)
{
	memset(&request->sysctl, 0, sizeof(request->sysctl));
	request->text[0] = key;
	request->sysctl.debug_keys.keys = (uintptr_t)request->text;
	request->sysctl.debug_keys.nr_keys = 1;
	sysctl_call(request, SYSCTL_DEBUG_KEYS);
}

static bool text_has(const char *text, uint32_t ref)
{
	char line[32];

	snprintf(line, sizeof(line), "[0x%03x]", ref);
	return strstr(text, line);
}

unsigned int table_mapped(const uint32_t *refs, unsigned int nr)
{
	struct request *request = request_map();
	unsigned int i, mapped = 0;

	console_read(request);
	key_press(request, 'g');
	console_read(request);
	CHECK(strstr(request->text, "gnttab_usage_print_all ] done"));
	for (i = 0; i < nr; i++)
		mapped |= (unsigned int)text_has(request->text, refs[i]) << i;
	munmap(request, sizeof(*request));
	return mapped;
}
