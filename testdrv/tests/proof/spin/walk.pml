/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pinwatch core: walks against remove and put
 *
 * walk.c, walk_cancel.c, start_one() of invalidate.c, and remove and put of subscription.c. The
 * comments name the functions. README says how to run the model, and what each -D macro means.
 *
 * Processes: NWALK walkers, which invalidate both subscriptions for ever; OWNERS owners, each of
 * which ends a subscription by remove or put, and inserts it again at the same address, for ever.
 * All may stop (STOP), so that a task that is never woken is an invalid end state.
 *
 * Abstractions:
 *   - As in read.pml: memory, COARSE.
 *   - A batch has B entries of 64. There is one class, and no filter.
 *   - A callback only uses its subscription, at its begin and before its return. With TWO_PASS,
 *     it may leave a second pass.
 *   - The count of second passes in sub->state goes to FINISH_MAX of 15.
 *   - The two subscriptions have the same range: so the tree has them in the order of insertion.
 *   - A walk of a plain mm and a walk of an mm with two passes are different runs (TWO_PASS).
 */
#ifdef LIVE
#define COARSE
#endif
#define NSUB	2
#ifndef NWALK
#define NWALK	2
#endif
#ifndef OWNERS
#define OWNERS	1
#endif
#ifndef B
#define B	1		/* PW_WALK_BATCH */
#endif
#ifndef FINISH_MAX
#define FINISH_MAX 2		/* PW_SUB_FINISHES */
#endif
#define NONE	NSUB
#define BIT(n)	(1 << (n))
#define CANCELLED 4		/* PW_BATCH_CANCELLED */
#define PUT	8		/* PW_BATCH_PUT */
#define FLAGS	(CANCELLED | PUT)
#define SUB(e)	((e) & 3)	/* the address in an entry: number of the subscription + 1 */

byte linked;			/* in the tree */
bit first;			/* the first of the two in the tree, if both are linked */
bool alive[NSUB];		/* the memory of the subscription */
bool sub_put[NSUB];		/* PW_SUB_PUT in sub->state */
byte finishes[NSUB];		/* PW_SUB_FINISHES in sub->state */

bool walks[NWALK];		/* pw_walk.node on pm->walks */
byte batch[NWALK * B];		/* pw_walk.batch */
byte nr[NWALK];			/* pw_walk.nr */
byte pos[NWALK];		/* pw_walk.pos */
bool cancelled[NWALK];		/* pw_walk.cancelled */
byte cursor[NWALK];		/* pw_walk.cursor */
byte newer[NWALK];		/* newer than pw_walk.newest */
byte finish[NWALK * NSUB];	/* pw_walk.finish */
byte nr_finish[NWALK];
byte finishing[NWALK];		/* pw_walk.finishing */

bool call_used[NWALK];		/* the slot of the pw_call is in use */
byte call_entry[NWALK];		/* pw_call.entry */
byte call_pos[NWALK];		/* pw_call.pos */

bool removes[NSUB];		/* in remove_wait() */
bool put_pending[NSUB];		/* put, ops->free() not yet called */
bool walking[NWALK];
bool queued[NSUB];		/* on the wait queue of the address of the subscription */
bool woken[NSUB];
hidden byte j, held;

#ifdef COARSE
#define CS atomic
#define lock() skip
#define unlock() skip
#else
#define CS
#define lock() atomic { !pm_lock -> pm_lock = true }
#define unlock() pm_lock = false
bool pm_lock;
#endif

#define FIRST	(linked == 3 -> first : (linked == 2 -> 1 : (linked == 1 -> 0 : NONE)))
#define NEXT(s)	(linked == 3 && s == first -> 1 - s : NONE)	/* pw_walk_next() */

#if NWALK == 2
#define FOR_WALKS(f, arg) f(0, arg); f(1, arg)
#else
#define FOR_WALKS(f, arg) f(0, arg)
#endif

/* pw_walk_cancel() for one entry: batch_cancel() */
inline entry_cancel(e, p, i, c, s, put)
{
	if
	:: e == s + 1 ->
		e = (s + 1) | CANCELLED | put;
		c = true;
#ifndef KEEP_ADDRESS
		if
		:: p != i -> e = CANCELLED
		:: else
		fi
#endif
	:: else
	fi
}

inline entry_holds(e, p, i, s)
{
	if
	:: SUB(e) == s + 1 && (p == i || e & PUT) -> held = true
	:: else
	fi
}

inline finish_holds(w, s)
{
	if
	:: walks[w] && (finishing[w] == s + 1 || (nr_finish[w] > 0 && finish[w * NSUB] == s) ||
			(nr_finish[w] > 1 && finish[w * NSUB + 1] == s)) -> held = true
	:: else
	fi
}

inline walk_holds(w, s)
{
	if
	:: call_used[w] -> entry_holds(call_entry[w], call_pos[w], 0, s)
	:: else
	fi;
	j = 0;
	do
	:: walks[w] && j < nr[w] -> entry_holds(batch[w * B + j], pos[w], j, s); j++
	:: else -> break
	od;
	j = 0
}

/* pw_walks_hold(), in held. Caller holds pm->lock. */
inline walks_hold(s)
{
	held = false;
#ifndef NO_FINISH_WAIT
	if				/* finish_pending() */
	:: finishes[s] == FINISH_MAX ->
#ifndef FINISH_FORGOTTEN
		FOR_WALKS(finish_holds, s)
#else
		skip
#endif
	:: else -> held = finishes[s] > 0
	fi;
#endif
	FOR_WALKS(walk_holds, s)
}

/* pw_sub_free(), or the free of the driver after remove */
inline sub_free(s)
{
	d_step {
		assert(alive[s]);	/* freed once */
		alive[s] = false;
		put_pending[s] = false
	}
}

/* wake_up_var(sub) */
inline wake(s)
{
	d_step {
		if
		:: queued[s] -> woken[s] = true
		:: else
		fi
	}
}

/* pw_walk_attend(), with walk_let_go() */
inline attend(slot, e)
{
	if
	:: e & PUT ->
		CS {
			lock();
			d_step {
				last = NONE;
				if
				:: slot & PUT ->
					s = SUB(slot) - 1;
					slot = CANCELLED;
					walks_hold(s);
					if
					:: !held -> last = s
					:: else
					fi;
					held = false
				:: else
				fi
			};
			unlock()
		};
		if
		:: last != NONE -> sub_free(last)
		:: else
		fi;
		last = 0;
		s = 0
	:: else ->
		if
		:: SUB(e) -> wake(SUB(e) - 1)
		:: else
		fi
	fi;
	e = 0
}

/* pw_walk_look() */
inline look(slot)
{
#ifndef NO_LOOK
	e = slot;
	if
	:: e & FLAGS -> attend(slot, e)
	:: else -> e = 0
	fi
#else
	skip
#endif
}

/* The callback of subscription s - 1 */
inline invalidate(w)
{
	assert(s && alive[s - 1]); /* no callback after remove has returned, or after ops->free() */
#ifdef TWO_PASS
	if
	:: true			/* no second pass */
	:: true ->
		CS {		/* walk_add_finish() */
			lock();
			d_step {
				finish[w * NSUB + nr_finish[w]] = s - 1;
				nr_finish[w]++;
				if
				:: finishes[s - 1] < FINISH_MAX -> finishes[s - 1]++
				:: else
				fi
			};
			unlock()
		}
	fi;
#endif
	assert(alive[s - 1]);	/* nor does it outlive them */
	s = 0
}

/* walk_fill() */
inline fill(w)
{
	d_step {
		nr[w] = 0;
		pos[w] = 0;
		cancelled[w] = false;
		do
		:: cursor[w] != NONE && nr[w] < B ->
			if
#ifndef NO_NEWEST
			:: newer[w] & BIT(cursor[w])
#endif
			:: else -> batch[w * B + nr[w]] = cursor[w] + 1; nr[w]++
			fi;
			cursor[w] = NEXT(cursor[w])
		:: else -> break
		od
	}
}

#define MORE(w)	(cursor[w] != NONE)

/* walk_finish(): take the next second pass. Caller holds pm->lock, which is released. */
inline pop_finish(w)
{
	if
	:: !nr_finish[w] ->
		d_step { walks[w] = false; newer[w] = 0; walking[w] = false };
		unlock();
		goto ended
	:: else ->
		d_step {
			s = finish[w * NSUB] + 1;
			finish[w * NSUB] = finish[w * NSUB + 1];
			finish[w * NSUB + 1] = 0;
			nr_finish[w]--;
			finishing[w] = s
		};
		unlock()
	fi
}

/* pw_walk(): after a batch. Caller holds pm->lock, which is released. */
inline batch_done(w)
{
	if
	:: more ->
		fill(w);
		more = MORE(w);
		if
		:: nr[w] || more -> unlock(); goto call
		:: else
		fi
	:: else
	fi;
	d_step {
		nr[w] = 0;
		pos[w] = 0;
		j = 0;
		do
		:: j < B -> batch[w * B + j] = 0; j++
		:: else -> break
		od;
		j = 0
	};
	pop_finish(w)
}

proctype walker(byte w)
{
	byte i, s, e, last;
	bool more;

again:
	CS {
		lock();
		if
		:: !linked -> unlock(); goto ended
		:: else
		fi;
		walking[w] = true;
		if
#ifndef TWO_PASS
		:: linked != 3 ->		/* start_one() */
			d_step {
				s = FIRST + 1;
				call_used[w] = true;
				call_entry[w] = s;
				call_pos[w] = 0
			};
			unlock();
			goto one
#endif
		:: true ->			/* pw_walk() */
			d_step { cursor[w] = FIRST; walks[w] = true };
			fill(w);
			more = MORE(w)
		fi;
		unlock()
	};
call:
	i = 0;
#ifndef TWO_PASS
	/* walk_call_plain() */
	if
	:: nr[w] ->
		do
		:: s = SUB(batch[w * B + i]);
		   invalidate(w);
		   i++;
		   pos[w] = i;
		   if
		   :: i == nr[w] -> break
		   :: else
		   fi;
#ifndef NO_CANCEL_CHECK
		   if
		   :: cancelled[w] -> break
		   :: else
		   fi
#endif
		od
	:: else
	fi;
#endif
	/* walk_call_any() */
	if
	:: i < nr[w] || more ->
		if
		:: i -> look(batch[w * B + i - 1])
		:: else
		fi;
		do
		:: i < nr[w] ->
			e = batch[w * B + i];	/* walk_call_entry() */
			if
#ifndef NO_CANCEL_CHECK
			:: e & FLAGS -> e = 0
#endif
			:: else ->
				s = SUB(e);
				e = 0;
				invalidate(w)
			fi;
			i++;
			pos[w] = i;
			look(batch[w * B + i - 1])
		:: else -> break
		od
	:: else
	fi;
	/* walk_call(): the last entry is looked at under the lock. */
	CS {
		lock();
		if
#ifndef NO_LOOK
		:: !more && batch[w * B + nr[w] - 1] & FLAGS ->
			e = batch[w * B + nr[w] - 1];
			unlock();
			goto attend_last
#endif
		:: else -> batch_done(w)
		fi
	};
	goto second;
attend_last:
	attend(batch[w * B + nr[w] - 1], e);
	CS { lock(); batch_done(w) };
second:
	/* walk_finish() */
	do
	:: assert(alive[s - 1]);	/* ops->invalidate_finish() */
	   CS {
		lock();
		d_step {
			finishing[w] = 0;
			if
			:: finishes[s - 1] < FINISH_MAX -> finishes[s - 1]--
			:: else
			fi;
			walks_hold(s - 1);
			last = (sub_put[s - 1] && !held -> s : 0);
			held = false
		};
		unlock()
	   };
	   if
	   :: last -> sub_free(s - 1)
	   :: else
	   fi;
	   last = 0;
	   wake(s - 1);
	   s = 0;
	   CS { lock(); pop_finish(w) }
	od;
one:
	invalidate(w);			/* start_one() */
	call_pos[w] = 1;
	look(call_entry[w]);
	CS {				/* mn_invalidate_range_end() */
		lock();
		d_step {
			call_used[w] = false;
			call_entry[w] = 0;
			call_pos[w] = 0;
			walking[w] = false
		};
		unlock()
	};
ended:
	i = 0;
	more = false;
#ifdef STOP
	if
	:: goto again
	:: true
	fi
#else
	goto again
#endif
}

/* pw_walk_cancel() for one walker */
inline walk_cancel(w, s, put)
{
	if
	:: call_used[w] -> entry_cancel(call_entry[w], call_pos[w], 0, unused, s, put)
	:: else
	fi;
	if
	:: walks[w] ->
#ifndef NO_CURSOR
		if
		:: cursor[w] == s -> cursor[w] = NEXT(s)
		:: else
		fi;
#endif
		if
		:: nr[w] > 0 -> entry_cancel(batch[w * B], pos[w], 0, cancelled[w], s, put)
		:: else
		fi;
#if B == 2
		if
		:: nr[w] > 1 -> entry_cancel(batch[w * B + 1], pos[w], 1, cancelled[w], s, put)
		:: else
		fi
#endif
	:: else
	fi
}

/* sub_unlink(); held: a callback runs. Caller holds pm->lock. */
inline unlink(s, put)
{
	walk_cancel(0, s, put);
#if NWALK == 2
	walk_cancel(1, s, put);
#endif
	d_step {
		walks_hold(s);
		running = held;
		held = false;
		linked = linked & ~BIT(s)
	}
}

proctype owner(byte s)
{
	bool running, unused;

again:
	if
	:: true ->	/* pinwatch_interval_notifier_remove() */
		CS {
			lock();
			unlink(s, 0);
			removes[s] = running;
			unlock()
		};
#ifndef REMOVE_RETURNS
		do	/* remove_wait() */
		:: !running -> break
		:: else ->
			d_step { queued[s] = true; woken[s] = false };
			CS {
				lock();
				d_step { walks_hold(s); running = held; held = false };
				unlock()
			};
			if
			:: running -> woken[s]
			:: else
			fi
		od;
#endif
		atomic { queued[s] = false; woken[s] = false; removes[s] = false };
		running = false;
		sub_free(s)
	:: true ->	/* pinwatch_interval_notifier_put() */
		CS {
			lock();
			unlink(s, PUT);
			put_pending[s] = true;
#ifdef PUT_FREES
			running = false;
#endif
			sub_put[s] = running;
			unlock()
		};
		if
		:: running
		:: else -> sub_free(s)
		fi;
		running = false;
		!alive[s]	/* ops->free() has been called */
	fi;
	unused = false;
#ifdef STOP
	if
	:: goto ended
	:: true
	fi;
#endif
	CS {		/* sub_link() */
		lock();
		d_step {
			alive[s] = true;
			sub_put[s] = false;
			finishes[s] = 0;
			first = 1 - s;
			linked = linked | BIT(s);
			j = 0;
			do
			:: j < NWALK -> newer[j] = newer[j] | (walks[j] -> BIT(s) : 0); j++
			:: else -> break
			od;
			j = 0
		};
		unlock()
	};
	goto again;
ended:
	skip
}

init
{
	d_step { linked = 3; alive[0] = true; alive[1] = true };
	atomic {
		run walker(0);
#if NWALK == 2
		run walker(1);
#endif
		run owner(0);
#if OWNERS == 2
		run owner(1)
#endif
	}
}

#ifdef LIVE
ltl remove_ends { [] (removes[0] -> <> !removes[0]) }
ltl put_frees { [] (put_pending[0] -> <> !put_pending[0]) }
ltl walk_ends { [] (walking[0] -> <> !walking[0]) }
#endif
