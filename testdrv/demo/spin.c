// SPDX-License-Identifier: MIT
/* See spin.h. */
#include <sched.h>

#include "spin.h"
#include "subject.h"

static void *spin_run(void *data)
{
	struct spin *spin = data;

	__atomic_store_n(&spin->armed, true, __ATOMIC_RELEASE);
	while (word_load(spin->word) == spin->before &&
	       !__atomic_load_n(&spin->stop, __ATOMIC_ACQUIRE))
		;
	/* Told to stop, it looks once more: a change may have come just before. */
	if (word_load(spin->word) != spin->before)
		spin->changed_ns = now_ns();
	return NULL;
}

int spin_start(struct spin *spin, const struct pinwatch_gen *word)
{
	int ret;

	*spin = (struct spin){ .word = word, .before = word_load(word) };
	ret = pthread_create(&spin->thread, NULL, spin_run, spin);
	if (ret)
		return -ret;
	while (!__atomic_load_n(&spin->armed, __ATOMIC_ACQUIRE))
		sched_yield();
	return 0;
}

uint64_t spin_stop(struct spin *spin)
{
	__atomic_store_n(&spin->stop, true, __ATOMIC_RELEASE);
	pthread_join(spin->thread, NULL);
	return spin->changed_ns;
}
