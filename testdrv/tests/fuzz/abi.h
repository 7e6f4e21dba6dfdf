/* SPDX-License-Identifier: MIT */
/*
 * The ABI of /dev/pinwatch as tables: each call with its arguments and its documented
 * errors (system_calls.c), each structure with its members (structures.c)
 *
 * The generator takes values from the tables, and check_result.c compares results with
 * them. Offsets, sizes and constants are the compiler's.
 */
#ifndef ABI_H
#define ABI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ABI_ARGS	6	/* the most arguments of a call, and ABI_NONE */
#define ABI_ERRORS	16	/* the most documented errors of a call, and 0 */
#define ABI_VALUES	20
#define ABI_MEMBERS	24
#define ABI_CALLS	32
#define ABI_ERRNOS	134	/* errno is below */

enum abi_kind {
	ABI_NONE,	/* ends the arguments of a call */
	ABI_ANY,	/* any value */
	ABI_ZERO,	/* 0, in all bytes */
	ABI_REQUEST,	/* number of the ioctl */
	ABI_RANGE,	/* low to high */
	ABI_FLAGS,	/* of values */
	ABI_SIZE,	/* bytes of the structure */
	ABI_BYTES,	/* bytes at the address in field length_of */
	ABI_COUNT,	/* elements at the address in field length_of */
	ABI_PAGES,	/* address of a range of pages of the arena */
	ABI_POINTER,	/* address of low to high elements of type to */
	/* The result of an earlier call, or a value of values */
	ABI_FD,
	ABI_ID,
	ABI_PID,
};

struct abi_values {
	uint64_t values[ABI_VALUES];
	unsigned int nr;
	bool combine;		/* bits, to be or-ed */
};

/* An argument of a call, or a member of a structure */
struct abi_field {
	const char *name;	/* NULL: an argument */
	enum abi_kind kind;
	bool out;		/* the kernel writes the member, and never reads the member */
	unsigned int offset;	/* of a member, bytes */
	unsigned int size;	/* of a member, bytes */
	unsigned int length_of;	/* offset of a member, number of an argument */
	uint64_t low;
	uint64_t high;
	const struct abi_values *values;
	const struct abi_struct *to;
};

struct abi_struct {
	const char *name;
	unsigned int size;
	const struct abi_field *members;
	unsigned int nr;
};

struct attempt;

struct abi_call {
	const char *name;
	/* The result, or -errno */
	long (*make)(struct attempt *attempt);
	struct abi_field args[ABI_ARGS];
	uint32_t request;	/* number of an ioctl; 0: another system call */
	enum abi_kind makes;	/* ABI_FD, ABI_ID or ABI_PID, for later calls */
	bool privileged;	/* EPERM without a capability */
	bool rare;		/* may end the program */
	int errors[ABI_ERRORS];	/* as documented; empty: not a call of the module */
};

/* Rules for the value of a field: the end of an initializer of struct abi_field */
#define ANY			.kind = ABI_ANY
#define ZERO			.kind = ABI_ZERO
#define REQUEST			.kind = ABI_REQUEST
#define RANGE(from, to)		.kind = ABI_RANGE, .low = (from), .high = (to)
#define FLAGS(set)		.kind = ABI_FLAGS, .values = &(set)
#define PAGES			.kind = ABI_PAGES
#define FD			.kind = ABI_FD, .values = &abi_fds
#define POINTER(type, from, until) \
	.kind = ABI_POINTER, .to = &(type), .low = (from), .high = (until)

/* A set of values; the first macro for bits. */
#define BITS(...)		{ { __VA_ARGS__ }, ABI_NR(__VA_ARGS__), true }
#define VALUES(...)		{ { __VA_ARGS__ }, ABI_NR(__VA_ARGS__), false }
#define ABI_NR(...)		(sizeof((uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))

extern const struct abi_values abi_fds;
extern const struct abi_struct abi_info, abi_stats, abi_watch_add, abi_watch_del,
	abi_watch_repin, abi_watch_query, abi_watch_verify, abi_watch_stack, abi_resync,
	abi_attach, abi_bind, abi_event, abi_gen, abi_pollfd;

/* The first call opens the device. */
extern const struct abi_call abi_calls[];
extern const unsigned int abi_nr_calls;

/* The ioctl of a number, of any size; NULL: no ioctl has the number. */
const struct abi_call *abi_find_ioctl(uint64_t request);
const struct abi_field *abi_find_member(const struct abi_struct *structure, const char *name);
unsigned int abi_nr_args(const struct abi_call *call);
/* All bits of a set */
uint64_t abi_bits(const struct abi_values *values);

#endif /* ABI_H */
