/* SPDX-License-Identifier: GPL-2.0-only */
/* custom: see rbtree.h. The callbacks mean what the kernel's mean. */
#ifndef _SHIM_RBTREE_AUGMENTED_H
#define _SHIM_RBTREE_AUGMENTED_H
#include <linux/rbtree.h>

struct rb_augment_callbacks {
	void (*propagate)(struct rb_node *node, struct rb_node *stop);
	void (*copy)(struct rb_node *old, struct rb_node *new);
	void (*rotate)(struct rb_node *old, struct rb_node *new);
};

void rb_insert_augmented(struct rb_node *node, struct rb_root *root,
			 const struct rb_augment_callbacks *augment);
void rb_erase_augmented(struct rb_node *node, struct rb_root *root,
			const struct rb_augment_callbacks *augment);

#define RB_DECLARE_CALLBACKS_MAX(STATIC, NAME, STRUCT, FIELD, TYPE, AUG, COMPUTE) \
static inline TYPE NAME##_compute(STRUCT *node)				\
{									\
	TYPE max = COMPUTE(node);					\
	struct rb_node *side[] = { node->FIELD.rb_left, node->FIELD.rb_right };	\
	int i;								\
									\
	for (i = 0; i < 2; i++)						\
		if (side[i] && rb_entry(side[i], STRUCT, FIELD)->AUG > max)	\
			max = rb_entry(side[i], STRUCT, FIELD)->AUG;	\
	return max;							\
}									\
static void NAME##_propagate(struct rb_node *rb, struct rb_node *stop)	\
{									\
	for (; rb != stop; rb = rb_parent(rb))				\
		rb_entry(rb, STRUCT, FIELD)->AUG =			\
			NAME##_compute(rb_entry(rb, STRUCT, FIELD));	\
}									\
static void NAME##_copy(struct rb_node *old, struct rb_node *new)	\
{									\
	rb_entry(new, STRUCT, FIELD)->AUG = rb_entry(old, STRUCT, FIELD)->AUG; \
}									\
static void NAME##_rotate(struct rb_node *old, struct rb_node *new)	\
{									\
	NAME##_copy(old, new);						\
	rb_entry(old, STRUCT, FIELD)->AUG =				\
		NAME##_compute(rb_entry(old, STRUCT, FIELD));		\
}									\
STATIC const struct rb_augment_callbacks NAME = {			\
	.propagate = NAME##_propagate,					\
	.copy = NAME##_copy,						\
	.rotate = NAME##_rotate,					\
};
#endif
