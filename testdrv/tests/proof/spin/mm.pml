/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pinwatch core: the life of the state of an mm
 *
 * mm.c, sub_insert(), sub_insert_first() and sub_drop() of subscription.c, and the end of
 * mn_release(). The comments name the functions. README says how to run the model, and what each
 * -D macro means.
 *
 * Processes: users, which insert and remove a subscription for ever; a task that invalidates for
 * ever; the idle worker, which runs for ever; the last mmput() with release (RELEASE); SRCU and
 * RCU; module exit, when all users have gone (EXIT).
 *
 * Abstractions:
 *   - As in read.pml: memory, and a section under a lock is one step.
 *   - An idle mm has been idle for idle_ms. A user registers under the mmap lock.
 *   - The mm has no veto: with one, the idle worker leaves the mm alone, and pw_mm_put() lets a
 *     worker do what it does here.
 *   - The states of the mm are NPM objects, which are used again after they are freed.
 */
#ifndef USERS
#define USERS	2
#endif
#define NPM	2
#define NONE	NPM
#define BIT(n)	(1 << (n))

bool alive[NPM];		/* allocated */
byte nr_subs[NPM];		/* pm->nr_subs */
bool registered[NPM];		/* pm->registered */
bool opened[NPM];		/* pm->open */
bool pm_dead[NPM];		/* pm->dead */
bool hashed[NPM];		/* in pw_mm_hash */
bool listed[NPM];		/* pm->mn is in the kernel's list of the mm */
bool put_done[NPM];		/* mmu_notifier_put() was called */
byte gp[NPM];			/* readers of SRCU and RCU that the grace period waits for */
byte readers;			/* in an SRCU or RCU read section */
byte mm_users;
byte mmap_lock;			/* 1 + the user that holds it, or 0 */
byte mmap_next;			/* 1 + the user that waits for it, or 0 */
byte users = USERS;		/* that have not gone */
bool exiting;			/* the module exits: no user inserts any more */
bool inserts[USERS];		/* in insert */
byte nr_live;			/* mm_live */
bool exited;

#define READER(n) BIT(n)	/* users are 0 and 1 */
#define NOTIFIER 2
#define WORKER	3
#define RELEASER 4
#define EXITER	5

#define HASHED	(hashed[0] -> 0 : (hashed[1] -> 1 : NONE))	/* pw_mm_lookup() */
#define LISTED	(listed[0] -> 0 : (listed[1] -> 1 : NONE))

#define read_lock(n) readers = readers | READER(n)

inline read_unlock(n)
{
	d_step {
		readers = readers & ~READER(n);
		gp[0] = gp[0] & ~READER(n);
		gp[1] = gp[1] & ~READER(n)
	}
}

/* pw_mm_put(): mmu_notifier_put() */
inline mm_put(p)
{
	d_step {
		assert(alive[p] && !put_done[p]);	/* put once */
		put_done[p] = true;
		listed[p] = false;
		gp[p] = readers
	}
}

/* pw_mm_free(), after SRCU, and kvfree_rcu() */
inline mm_free(p)
{
	atomic {
#ifdef NO_GRACE
		put_done[p] ->
#else
		put_done[p] && !gp[p] ->
#endif
		assert(alive[p] && !nr_subs[p]);
		alive[p] = false;
		put_done[p] = false;
		opened[p] = false;
		pm_dead[p] = false;
		nr_live--
	}
}

active proctype grace_periods()
{
end:
	do
	:: mm_free(0)
	:: mm_free(1)
	od
}

/* sub_uncount_unlock(). pm->lock is held: one step. */
inline sub_uncount(p)
{
	d_step {
		assert(alive[p]);	/* no use after free */
		nr_subs[p]--;
		put = !nr_subs[p] && !registered[p]
	};
	if
	:: put -> mm_put(p)
	:: else
	fi;
	put = false
}

/* mm_reserve(), in p */
inline mm_reserve(n)
{
	read_lock(n);
	p = HASHED;
	if
	:: p != NONE ->
		d_step {
			assert(alive[p]);
			found = opened[p];
#ifndef NO_RESERVE
			nr_subs[p] = nr_subs[p] + found
#endif
		};
		if
		:: !found -> hashed[p] = false; p = NONE	/* pw_mm_unhash() */
		:: else
		fi
	:: else
	fi;
	read_unlock(n);
	found = false
}

/*
 * The kernel's rw_semaphore lets no waiter starve: a waiter that is first in the queue and has
 * waited for some milliseconds is handed the lock (RWSEM_FLAG_HANDOFF). With UNFAIR, weak
 * fairness alone lets the other user take the lock again and again.
 */
inline mmap_write_lock(n)
{
#ifdef UNFAIR
	atomic { !mmap_lock -> mmap_lock = n + 1 }
#else
	d_step {
		if
		:: !mmap_lock -> mmap_lock = n + 1
		:: else -> mmap_next = n + 1
		fi
	};
	mmap_lock == n + 1
#endif
}

inline mmap_write_unlock()
{
	d_step {
		mmap_lock = mmap_next;
		mmap_next = 0
	}
}

proctype user(byte n)
{
	byte p;
	bool found, put;

again:
	inserts[n] = true;
	read_lock(n);		/* sub_insert() */
	p = HASHED;
	if
	:: p != NONE ->
		d_step {
			assert(alive[p]);
			found = opened[p];
			nr_subs[p] = nr_subs[p] + found
		}
	:: else
	fi;
	read_unlock(n);
	if
	:: found -> goto inserted
	:: else
	fi;
	p = 0;
	/* sub_insert_first(): mmget_not_zero() */
	atomic {
		if
		:: mm_users -> mm_users++
		:: else -> goto gone
		fi
	};
	mm_reserve(n);		/* pw_mm_register() */
	if
	:: p == NONE ->
		mmap_write_lock(n);
		mm_reserve(n);
		if
		:: p == NONE ->	/* mm_alloc_state(), __mmu_notifier_register() */
			atomic {
				!alive[0] || !alive[1];
				p = (alive[0] -> 1 : 0);
				alive[p] = true;
				nr_subs[p] = 1;
#ifdef NO_RESERVE
				nr_subs[p] = 0;
#endif
				registered[p] = true;
				opened[p] = true;
				listed[p] = true;
				nr_live++
			};
			hashed[p] = true	/* mm_hash_add() */
		:: else
		fi;
		mmap_write_unlock()
	:: else
	fi;
	d_step { assert(alive[p]); nr_subs[p]++ };	/* sub_link_any() */
#ifndef NO_RESERVE
	sub_uncount(p);
#endif
	mm_users--;
inserted:
	found = false;
	inserts[n] = false;
	assert(alive[p]);	/* the driver uses the subscription, and removes it */
	sub_uncount(p);
	p = 0;
	if
	:: exiting -> goto gone
	:: else -> goto again
	fi;
gone:
	atomic { inserts[n] = false; p = 0; users-- }
}

/* A task that invalidates: start and end of a notifier in the list */
proctype invalidator()
{
	byte p;

end:
	do
	:: read_lock(NOTIFIER);
	   p = LISTED;
	   if
	   :: p != NONE -> assert(alive[p])
	   :: else
	   fi;
	   if
	   :: p != NONE -> assert(alive[p])
	   :: else
	   fi;
	   atomic { p = 0; read_unlock(NOTIFIER) }
	od
}

/* mm_idle_work(), mm_let_go() */
proctype idle()
{
	byte p;
	bool put;

end:
	do
	:: read_lock(WORKER);
	   p = HASHED;
	   if
	   :: p != NONE ->
		d_step {
			assert(alive[p]);
#ifdef IDLE_IN_USE
			put = registered[p] && opened[p];
#else
			put = registered[p] && opened[p] && !nr_subs[p];
#endif
			if
			:: put -> opened[p] = false; registered[p] = false
			:: else
			fi
		};
		if
		:: put -> hashed[p] = false; mm_put(p)
		:: else
		fi
	   :: else
	   fi;
	   atomic { p = 0; put = false; read_unlock(WORKER) }
	od
}

/* The last mmput(), and __mmu_notifier_release() */
proctype release()
{
	byte p;
	bool put;

	mm_users--;
	!mm_users;
	read_lock(RELEASER);
	p = LISTED;
	if
	:: p != NONE ->		/* mn_release() */
		hashed[p] = false;
		d_step { assert(alive[p]); pm_dead[p] = true; opened[p] = false };
		assert(alive[p]);	/* release_walk() */
		d_step {
			assert(alive[p]);
#ifdef RELEASE_PUTS
			put = true;
#else
			put = registered[p] && !nr_subs[p];
#endif
			registered[p] = false
		};
		if
		:: put -> mm_put(p)
		:: else
		fi;
		listed[p] = false
	:: else
	fi;
	read_unlock(RELEASER)
}

/* pw_core_exit() */
proctype module_exit()
{
	byte p;
	bool put;

	exiting = true;
	!users;			/* no module uses this module's symbols */
	read_lock(EXITER);
	do
	:: p = HASHED;		/* mm_take_registered() */
	   if
	   :: p == NONE -> break
	   :: else
	   fi;
	   hashed[p] = false;
	   d_step {
		assert(alive[p]);
		opened[p] = false;
		put = registered[p] && !nr_subs[p];
		registered[p] = false
	   };
	   if
	   :: put -> mm_put(p)
	   :: else
	   fi
	od;
	read_unlock(EXITER);
#ifndef EXIT_EARLY
	!nr_live;
#endif
	exited = true;
	assert(!nr_live)	/* no notifier is left whose text is freed */
}

init
{
	mm_users = 1;
	atomic {
		run user(0);
#if USERS == 2
		run user(1);
#endif
		run invalidator();
		run idle();
#ifdef RELEASE
		run release();
#endif
#ifdef EXIT
		run module_exit()
#endif
	}
}

#ifdef LIVE
ltl insert_ends { [] (inserts[0] -> <> !inserts[0]) }
ltl exit_ends { [] (exiting -> <> exited) }
#endif
