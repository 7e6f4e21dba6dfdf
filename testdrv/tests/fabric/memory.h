/* SPDX-License-Identifier: MIT */
/*
 * The memory under a buffer that a program sends again and again, and the ways in which the
 * memory changes between two messages. remap.c and remap_mpi.c share this file. It knows no
 * communication library.
 */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdbool.h>
#include <stddef.h>

struct memory;

/**
 * struct memory_mode - one way to change the memory
 * @name: What the command line says.
 * @help: One line for --help.
 * @change: Runs before message @message, from the second message on.
 * @shared: The buffer is a mapping of a file, and another process writes the messages.
 * @late: memory_registered() exchanges the pages for the first message, and nothing else does.
 */
struct memory_mode {
	const char *name;
	const char *help;
	void (*change)(struct memory *memory, unsigned int message);
	bool shared;
	bool late;
};

/**
 * struct memory - a buffer
 * @start: First byte to send. Mode "slide" moves @start.
 * @size: Bytes to send.
 * @arena: The mapping.
 * @arena_size: Bytes of the mapping.
 * @mode: How the memory changes.
 * @puncher: Socket to the process that writes the file, or -1.
 * @message: Number of the message in the buffer.
 * @nr_exchanged: Exchanges by memory_registered().
 */
struct memory {
	unsigned char *start;
	size_t size;
	unsigned char *arena;
	size_t arena_size;
	const struct memory_mode *mode;
	int puncher;
	unsigned int message;
	unsigned int nr_exchanged;
};

/* Ends with a mode without a name. */
extern const struct memory_mode memory_modes[];

/* Print name and help of each mode to standard output. */
void memory_modes_print(void);

/* The mode @name, or NULL. */
const struct memory_mode *memory_mode_find(const char *name);

/*
 * Map @size bytes. Forks for a shared mode, so call memory_open() before the communication
 * library starts. All functions end the process with status 2 on failure.
 */
void memory_open(struct memory *memory, const struct memory_mode *mode, size_t size);
void memory_close(struct memory *memory);

/*
 * Change the mapping as the mode says, unless @message is 1, and let each byte of the buffer
 * be the low byte of @message.
 */
void memory_fill(struct memory *memory, unsigned int message);

/* The sender has registered the buffer for the message that it holds. */
void memory_registered(struct memory *memory);

/* How many bytes at @start are not the low byte of @message. */
size_t memory_count_wrong(const unsigned char *start, size_t size, unsigned int message);

#endif /* MEMORY_H */
