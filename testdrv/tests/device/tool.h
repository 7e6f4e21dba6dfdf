/* SPDX-License-Identifier: MIT */
/* Runs of the tool, and a process for the tool to watch. Both programs are found in PATH. */
#ifndef TOOL_H
#define TOOL_H

#include <stdbool.h>
#include <sys/types.h>

#define NR		4UL	/* pages of the range of a target */
#define CHANNEL_FD	9	/* end of the channel of the target, fixed for exec() */
#define NR_MANY		20000UL

/* A run of the tool, whose output is read by lines. */
struct tool {
	pid_t pid;
	int out;
	char line[8192];
};

struct tool tool_run(const char *const *argv);

#define tool_start(...)	tool_run((const char *const []){ "pinwatch", __VA_ARGS__, NULL })
#define demo_start(...)	tool_run((const char *const []){ "pinwatch-demo", __VA_ARGS__, NULL })

/* Returns false at the end of the output. */
bool line_read(struct tool *tool);
/* Read up to a line with @text. The timeout of the test ends the wait. */
const char *tool_expect(struct tool *tool, const char *text);
/* Returns the exit status. */
int tool_end(struct tool *tool);
/* The exit status of `pinwatch VERB OPTION VALUE MORE`; NULL ends the arguments. */
int status_of(const char *verb, const char *option, const char *value, const char *more);

/* A process that performs an operation on its range at each turn. */
enum turn { DISCARD, MAP_MORE, DISCARD_MORE, EXEC, MAP_100, MAP_20000, UNMAP_MANY };

struct target {
	pid_t pid;
	int channel;
	char *addr;
	char pid_text[16];
};

struct target target_start(void);
struct target target_start_at(char *addr);
/* A process whose first thread has exited before the first turn. */
struct target target_start_without_first_thread(void);
/* Returns after the operation. */
void target_turn(const struct target *target, enum turn turn);
void target_end(const struct target *target);
/* The program after EXEC: mapped memory, and the process that performs the turns. */
char *map_more(void);
void target_main(int channel, char *addr) __attribute__((noreturn));

#endif /* TOOL_H */
