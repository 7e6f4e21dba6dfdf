/* SPDX-License-Identifier: MIT */
/*
 * The harness of every test program: registration, verdicts, TAP, clock, random numbers.
 *
 *	TEST(area_scenario)
 *	{
 *		CHECK_EQ(close(fd), 0);
 *	}
 *
 * defines a test and registers it. main() of test.c runs each test in a child process
 * with a timeout, in the order of the definitions in a file. A test passes by returning.
 * The test fails when a check fails, when the test made no check, when a signal kills its
 * process, or when the time is over.
 *
 * usage of a program:
 *	PROGRAM [--list] [--full] [--parallel] [--bail] [--seed N] [PART-OF-A-TEST'S-NAME...]
 * With --bail, the program ends at the first test that fails.
 */
#ifndef TEST_H
#define TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"

/**
 * struct test - a registered test
 * @name: Printed in the TAP line.
 * @seconds: Timeout, times test_slower(); 0 means TEST_SECONDS.
 * @full: Runs only with --full or when an argument selects it by name.
 * @parallel: Needs threads that run at the same time. Runs only with --parallel or when
 *	an argument selects it by name. --parallel excludes all other tests.
 * @last: Runs after all tests of all files that are not @last.
 * @run: Body of the test.
 * @file: Tests of one file run in the order of @line.
 */
struct test {
	const char *name;
	unsigned int seconds;
	bool full;
	bool parallel;
	bool last;
	void (*run)(void);
	const char *file;
	int line;
	struct test *next;
};

#define TEST_SECONDS	180

void test_register(struct test *test);

/* How many times slower than usual this kernel is: TEST_SLOWER in the environment, or 1. */
unsigned int test_slower(void);

/* TEST(name, .seconds = 900, .full = true) sets members of struct test. */
#define TEST(test_name, ...)						\
	static void test_##test_name(void);				\
	__attribute__((constructor)) static void register_##test_name(void) \
	{								\
		static struct test test = {				\
			.name = #test_name, .run = test_##test_name,	\
			.file = __FILE__, .line = __LINE__, __VA_ARGS__ \
		};							\
									\
		test_register(&test);					\
	}								\
	static void test_##test_name(void)

/*
 * Run the tests that @argv selects. Returns the exit status of the program. main() in
 * test.c is weak and calls test_main(). A program with arguments of its own defines main().
 */
int test_main(int argc, char **argv);

/*
 * Hooks with empty weak definitions, which a program may replace. test_setup() and
 * test_check_after() run in the parent: before the first test, and after each test.
 * test_check_after() returns NULL, or why the test failed after all. test_abort() runs in
 * the process that fails a check, just before the process exits.
 */
void test_setup(void);
const char *test_check_after(void);
void test_abort(void);

/* End the test as failed. A child process of the test may call these functions as well. */
void test_fail(const char *file, int line, const char *format, ...)
	__attribute__((noreturn, format(printf, 3, 4)));
/* End the test as skipped. @format names the missing requirement. */
void test_skip(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
/* End the test as skipped if a child process of the test did so. @status: From waitpid(). */
void test_skip_with(int status);
/* Print a diagnostic line. */
void test_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/*
 * Print a nested TAP line with the verdict @ok and a description. The test goes on, and
 * fails when its body has returned if a verdict was false. Returns @ok.
 */
bool test_check(bool ok, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Record that the test has made a check, in this process or a child process. */
void test_checked(void);

#define FAIL(...)	test_fail(__FILE__, __LINE__, __VA_ARGS__)
#define SKIP(...)	test_skip(__VA_ARGS__)

#define CHECK(condition) do {						\
	test_checked();							\
	if (!(condition))						\
		FAIL("%s", #condition);					\
} while (0)

#define CHECK_EQ(expression, expected) do {				\
	long long value_ = (long long)(expression);			\
	long long expected_ = (long long)(expected);			\
									\
	test_checked();							\
	if (value_ != expected_)					\
		FAIL("%s is %lld, not %s (%lld)", #expression, value_,	\
		     #expected, expected_);				\
} while (0)

/* The seed of the program's random numbers: --seed, or random. test_main() prints it. */
uint64_t test_seed(void);
/* Record the seed of the current part of the test: printed when the test fails in any way. */
void test_seed_is(uint64_t seed);
/* The next number of the sequence @state, which starts with any seed. */
uint64_t random_next(uint64_t *state);
/* A number below @limit. */
uint32_t random_below(uint64_t *state, uint32_t limit);

#endif /* TEST_H */
