/* SPDX-License-Identifier: MIT */
/* The functions of the kernel's interval notifier, and pinwatch's functions for them */
#ifndef NOTIFIER_H
#define NOTIFIER_H

/* As module/pinwatch_dropin.h renames them. A set of functions is a mask: bit N is row N. */
#define NR_NOTIFIER_FUNCTIONS	5

struct notifier_function {
	const char *kernel;
	const char *pinwatch;
	const char *title;	/* of a column */
};

extern const struct notifier_function notifier_functions[NR_NOTIFIER_FUNCTIONS];

/* Return the bit of the function that has this name, or 0. */
unsigned int notifier_kernel_bit(const char *name);
unsigned int notifier_pinwatch_bit(const char *name);

#endif /* NOTIFIER_H */
