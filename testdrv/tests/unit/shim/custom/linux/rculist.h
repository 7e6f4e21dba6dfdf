/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * custom: hlist under RCU. A grace period is waited for by the reaper task
 * (shim/mm.c), which then frees; the read side is counted (struct shim_srcu).
 */
#ifndef _SHIM_RCULIST_H
#define _SHIM_RCULIST_H
#include <linux/list.h>
#include <linux/spinlock.h>

struct rcu_head {
	void *unused[2];
};

void rcu_read_lock(void);
void rcu_read_unlock(void);
#define rcu_read_lock_sched()	rcu_read_lock()
#define rcu_read_unlock_sched()	rcu_read_unlock()
void synchronize_rcu(void);
void shim_kfree_rcu(void *ptr);
#define kvfree_rcu(ptr, member)	((void)&(ptr)->member, shim_kfree_rcu(ptr))
#define __rcu
#define rcu_read_lock_any_held()	true
#define rcu_dereference_check(p, c)	((void)(c), smp_load_acquire(&(p)))
#define rcu_dereference_protected(p, c)	((void)(c), (p))
#define rcu_assign_pointer(p, v)	smp_store_release(&(p), v)
#define RCU_INIT_POINTER(p, v)	WRITE_ONCE(p, v)

static inline void hlist_add_head_rcu(struct hlist_node *node, struct hlist_head *head)
{
	struct hlist_node *first = head->first;

	node->next = first;
	WRITE_ONCE(node->pprev, &head->first);
	smp_store_release(&head->first, node);
	if (first)
		WRITE_ONCE(first->pprev, &node->next);
}

static inline void hlist_del_init_rcu(struct hlist_node *node)
{
	struct hlist_node *next = node->next, **pprev = node->pprev;

	if (!pprev)
		return;
	WRITE_ONCE(*pprev, next);
	if (next)
		WRITE_ONCE(next->pprev, pprev);
	WRITE_ONCE(node->pprev, NULL);
}

#define shim_hlist_entry(ptr, pos, member) ({				\
	struct hlist_node *_ptr = (ptr);				\
	_ptr ? hlist_entry(_ptr, __typeof__(*(pos)), member) : NULL; })

#define hlist_for_each_entry_rcu(pos, head, member)			\
	for (pos = shim_hlist_entry(smp_load_acquire(&(head)->first), pos, member); \
	     pos;							\
	     pos = shim_hlist_entry(smp_load_acquire(&(pos)->member.next), pos, member))
#endif
