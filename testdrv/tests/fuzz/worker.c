// SPDX-License-Identifier: MIT
/* See worker.h. */
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "worker.h"

#define NOBODY		65534
#define MEMLOCK		(96 * PROG_PAGE)
#define PROGRAM_SECONDS	3	/* until a program is killed */
#define DEATH_SECONDS	60	/* until a killed process must have ended */

static bool privileges_drop(void)
{
	struct rlimit memlock = { MEMLOCK, MEMLOCK }, none = { 0, 0 };

	setrlimit(RLIMIT_MEMLOCK, &memlock);
	setrlimit(RLIMIT_CORE, &none);
	return !setgroups(0, NULL) && !setresgid(NOBODY, NOBODY, NOBODY) &&
	       !setresuid(NOBODY, NOBODY, NOBODY);
}

void worker_generate(const struct worker *worker, uint64_t index, struct prog *prog)
{
	struct rng rng = rng_make(worker->seed, worker->number, index);

	prog_generate(prog, &rng);
	prog->worker = worker->number;
	prog->index = index;
	prog_mutate(prog, &rng);
}

/* Wait @seconds for child @pid, or for all children if 0. True: ended. */
static bool child_wait(pid_t pid, int seconds, int *status)
{
	struct timespec timeout = { .tv_sec = seconds };
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	for (;;) {
		pid_t ended;

		/* The worker is the subreaper of the children that the program left. */
		while ((ended = waitpid(-1, status, WNOHANG)) > 0)
			if (ended == pid)
				return true;
		if (ended < 0 && !pid)
			return true;
		if (sigtimedwait(&child, NULL, &timeout) < 0 && errno == EAGAIN)
			return false;
	}
}

static void program_end(const struct worker *worker, const struct prog *prog, pid_t pid,
			uint64_t index)
{
	bool forced = false;
	int status;

	if (!child_wait(pid, PROGRAM_SECONDS, &status)) {
		forced = true;
		__atomic_add_fetch(&worker->tally->killed, 1, __ATOMIC_RELAXED);
		kill(pid, SIGKILL);
		if (!child_wait(pid, DEATH_SECONDS, &status)) {
			tally_defect(worker->tally, DEFECT_DIED, prog,
				     "program %u.%llu cannot be killed", worker->number,
				     (unsigned long long)index);
			return;
		}
	}
	/* A child that was forked while the program ended got no PR_SET_PDEATHSIG signal. */
	kill(-pid, SIGKILL);
	if (WIFSIGNALED(status) && !(forced && WTERMSIG(status) == SIGKILL))
		tally_defect(worker->tally, DEFECT_DIED, prog, "program %u.%llu died of signal %d",
			     worker->number, (unsigned long long)index, WTERMSIG(status));
}

static void program_run(const struct worker *worker, uint64_t index)
{
	static struct prog prog;
	pid_t pid;

	worker_generate(worker, index, &prog);
	if (worker->trace)
		prog_print(&prog, stdout);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		static struct execution execution;

		execution.prog = &prog;
		execution.tally = worker->tally;
		execution.privileged = worker->privileged;
		execution.inject = worker->inject;
		setpgid(0, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execution_start(&execution);
	}
	if (pid < 0)
		tally_defect(worker->tally, DEFECT_DIED, NULL, "fork: %s", strerror(errno));
	else
		program_end(worker, &prog, pid, index);
	__atomic_add_fetch(&worker->tally->programs, 1, __ATOMIC_RELAXED);
}

static time_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

static bool program_due(const struct worker *worker, uint64_t i, time_t end)
{
	return worker->count ? i < worker->first + worker->count : now() < end;
}

static void worker_main(const struct worker *worker)
{
	time_t end = now() + worker->seconds;
	uint64_t i;
	int status;

	for (i = worker->first; program_due(worker, i, end); i++)
		program_run(worker, i);
	/* Killed children of programs */
	if (!child_wait(0, DEATH_SECONDS, &status))
		tally_defect(worker->tally, DEFECT_DIED, NULL, "a child cannot be killed");
}

pid_t worker_start(const struct worker *worker)
{
	sigset_t child;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid)
		return pid < 0 ? -errno : pid;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (!worker->privileged && !privileges_drop()) {
		tally_defect(worker->tally, DEFECT_DIED, NULL, "privileges: %s", strerror(errno));
		_exit(1);
	}
	worker_main(worker);
	_exit(0);
}
