// SPDX-License-Identifier: MIT
/* See setup.h. */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "setup.h"

#define MAX_ARGUMENTS	24

static char parent[] = "/tmp/bind_test.XXXXXX";

const char *setup_env(const char *name)
{
	const char *value = getenv(name);

	if (!value)
		FAIL("%s is not set: see setup.h", name);
	return value;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_parent(void)
{
	nftw(parent, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

void test_setup(void)
{
	if (!mkdtemp(parent))
		FAIL("mkdtemp");
	atexit(remove_parent);
}

void setup_enter(void)
{
	char path[sizeof(parent) + 16];

	snprintf(path, sizeof(path), "%s/%d", parent, getpid());
	CHECK(!mkdir(path, 0700) && !chdir(path) && !mkdir("out", 0700));
}

struct ko setup_read(const char *path)
{
	struct reason why;
	struct ko ko;

	if (ko_read(&ko, path, &why))
		FAIL("%s: %s", path, why.text);
	return ko;
}

struct ko setup_pinwatch(void)
{
	return setup_read(setup_env("BIND_PINWATCH"));
}

const char *setup_stock(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s.ko", setup_env("BIND_MODULES"), name);
	if (access(path, R_OK))
		snprintf(path, sizeof(path), "%s/%s.ko.xz", setup_env("BIND_MODULES"), name);
	return path;
}

struct blob setup_stock_file(const char *name)
{
	struct reason why;
	struct blob blob;

	if (file_read(setup_stock(name), &blob, &why))
		FAIL("%s: %s", name, why.text);
	return blob;
}

void setup_write(const char *path, const void *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, data, size), size);
	close(fd);
}

static void child_exec(char **argv, int out)
{
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	execv(argv[0], argv);
	_exit(127);
}

static void output_read(int fd, struct run *run)
{
	size_t done = 0;
	ssize_t nr;

	while ((nr = read(fd, run->text + done, sizeof(run->text) - 1 - done)) > 0)
		done += nr;
	run->text[done] = '\0';
}

static struct run run_argv(char **argv)
{
	struct run run = { 0 };
	int fds[2], status;
	pid_t pid;

	CHECK(!pipe2(fds, O_CLOEXEC));
	pid = fork();
	CHECK(pid >= 0);
	if (!pid)
		child_exec(argv, fds[1]);
	close(fds[1]);
	output_read(fds[0], &run);
	close(fds[0]);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || strstr(run.text, "Sanitizer") ||
	    strstr(run.text, "runtime error"))
		FAIL("pinwatch-bind crashed: %s", run.text);
	run.status = WEXITSTATUS(status);
	return run;
}

struct run setup_run(const char *first, ...)
{
	char *argv[MAX_ARGUMENTS] = { (char *)setup_env("BIND_PROGRAM"), (char *)first };
	va_list args;
	int i;

	va_start(args, first);
	for (i = 2; i < MAX_ARGUMENTS - 1; i++) {
		argv[i] = va_arg(args, char *);
		if (!argv[i])
			break;
	}
	va_end(args);
	return run_argv(argv);
}

int setup_nr_files(const char *directory)
{
	DIR *dir = opendir(directory);
	const struct dirent *entry;
	int nr = 0;

	CHECK(dir);
	while ((entry = readdir(dir)))
		nr += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(dir);
	return nr;
}

void setup_check_refused(const struct run *run, const char *reason)
{
	if (run->status != 1 || !strstr(run->text, reason))
		FAIL("status %d, and not '%s': %s", run->status, reason, run->text);
	CHECK_EQ(setup_nr_files("out"), 0);
}
