/* SPDX-License-Identifier: MIT */
/*
 * Tests in the kernel's TAP dialect. Each test is a function that runs in a
 * process of its own; it passes by returning, with every check true.
 */
#ifndef KTAP_H
#define KTAP_H

#include <stdint.h>

struct ktap_test {
	const char *name;
	void (*run)(void);
};

/* Ends with an entry without a name. Returns the program's exit status. */
int ktap_main(const struct ktap_test *tests);

/* End the test, from the test's process or, to the same effect, a child's. */
void ktap_fail(const char *file, int line, const char *format, ...)
	__attribute__((noreturn, format(printf, 3, 4)));
/* @format: what is missing. */
void ktap_skip(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
/* A line for people. */
void ktap_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define CHECK(condition) do {						\
	if (!(condition))						\
		ktap_fail(__FILE__, __LINE__, "%s", #condition);	\
} while (0)

#define CHECK_EQ(expression, expected) do {				\
	long long value_ = (long long)(expression);			\
	long long expected_ = (long long)(expected);			\
									\
	if (value_ != expected_)					\
		ktap_fail(__FILE__, __LINE__, "%s is %lld, not %s (%lld)", \
			  #expression, value_, #expected, expected_);	\
} while (0)

#endif /* KTAP_H */
