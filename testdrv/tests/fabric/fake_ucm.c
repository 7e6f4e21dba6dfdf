// SPDX-License-Identifier: MIT
/* See fake_ucx.h. */
#include "fake_ucx.h"

struct fake_ucm fake_ucm;

void ucm_vm_munmap(void *addr, size_t length)
{
	size_t nr = __atomic_fetch_add(&fake_ucm.nr_munmaps, 1, __ATOMIC_ACQ_REL);

	if (nr < FAKE_MAX_MUNMAPS)
		fake_ucm.munmaps[nr] = (struct fake_munmap){ addr, length };
	if (fake_ucm.on_munmap)
		fake_ucm.on_munmap();
}

void ucm_set_external_event(int events)
{
	fake_ucm.external_events |= events;
}
