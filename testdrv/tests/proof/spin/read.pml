/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pinwatch core: invalidations against readers, insert, remove and release
 *
 * invalidate.c (start, end, release), record.c, slot.h, read.c, sub_link() and remove. The
 * comments name the functions. README says how to run the model, and what each -D macro means.
 *
 * Processes: NINV invalidators that loop for ever, each over the subscriptions OVER(i); readers
 * that loop for ever, of which reader 0 also inserts and removes its subscription (OWNER); one
 * release (RELEASE).
 *
 * Abstractions:
 *   - Memory is sequentially consistent. The orderings are the matter of ../litmus.
 *   - A range is the set of subscriptions that it overlaps. Each invalidator has a record of its
 *     own. So an invalidation without memory for a record (PW_SLOT_ANON) does not occur.
 *   - A page is current or changed since a reader has read it. One SPTE for each subscription.
 *   - Sequence values are compared for equality only, except with the limit of a reader. So the
 *     value of a slot in use is the number of the slot. When the slot is closed, no new holder of
 *     the value appears, and only the comparison of a reader's value with that of its
 *     subscription still matters: both become OLD if they are equal, and the reader's becomes
 *     NEVER if not. A store over OLD also makes the reader's OLD a NEVER.
 *   - A limit is the set of slots that were in use when the reader took it: pw_slot_open() removes
 *     the slot from that set.
 *   - pm->gen is compared with the gen of holes and slots only. So a hole is a bit that insert
 *     clears, and ->slot_newest is the set of subscriptions that are newer.
 *   - The callbacks of a walk are one batch, and remove cancels in one step: walk.pml has both in
 *     full.
 *   - COARSE: each section under a lock is one step. Without COARSE, each access of it is a step
 *     of its own. The kernel's spinlocks are fair, Promela's are not, so liveness is checked
 *     with COARSE.
 */
#ifdef LIVE
#define COARSE
#endif
#ifndef NINV
#define NINV	2
#endif
#ifndef NREAD
#define NREAD	1
#endif
#ifndef NSUB
#define NSUB	1
#endif
#ifndef NR_OWN
#define NR_OWN	2		/* PW_NR_OWN_SLOTS */
#endif
#ifdef APART
#define OVER(i)	((i) -> 128 : 1) /* the subscriptions that invalidator i overlaps */
#define ELSEWHERE 128		/* a subscription without a reader: its callback is left out */
#else
#define OVER(i)	1
#define ELSEWHERE 0
#endif
#define SHARED	NR_OWN		/* PW_SLOT_SHARED, two slots */
#define NS	(NR_OWN + 2)	/* PW_NR_SLOTS, without PW_SLOT_IDLE */
#define NONE	NS		/* PW_SLOT_NONE */
#define OLD	(NS + 1)	/* a value that is in flight no more, the same as of the other */
#define NEVER	(NS + 2)	/* a value that equals no other: PW_SEQ_NEVER, among others */
#define BIT(n)	(1 << (n))
#ifndef SUB_OF
#define SUB_OF(r) 0		/* the subscription of reader r */
#endif

/* pw_record.key */
#define FREE	0
#define SET	1		/* the address of the range */
#define SLOW	2		/* the same with PW_KEY_SLOW */

byte key[NINV];			/* pw_record.key */
byte rec_slot[NINV];		/* pw_record.slot */
bool hole[NINV];		/* in the hole of the record, and ->hole_gen == pm->gen */
bool rec_used[NINV];		/* pm->used */
byte seqs;			/* pm->seqs: slots with a value */
byte in_use;			/* pm->slots_used */
byte waited;			/* pm->slots_waited */
byte over[NS];			/* bounds of pm->slot_rec[] */
byte newer[NS];			/* newer than pm->slot_newest[] */
byte nr_shared[2];		/* pm->shared[].nr */
bit join;			/* pm->join */
byte linked;			/* in pm->classes[].tree */
byte multi;			/* PW_SUB_MULTI in sub->state */
byte iseq[NSUB];		/* sub->invalidate_seq */
bool dead;			/* pm->dead */

byte batch[NINV + 1];		/* pw_walk.batch; the last one is of release */
byte calls[NINV + 1];		/* the subscription whose callback runs, + 1 */

byte rseq[NREAD];		/* read_wait.seq, the value of the read section */
byte rslot[NREAD];		/* read_wait.slot */
byte rval[NREAD];		/* read_wait.value */
byte rold[NREAD];		/* slots with a value of at most read_wait.limit */
bool rlimit[NREAD];		/* read_wait.limit is set */
byte ron[NREAD];		/* on the wait queue of this slot, + 1 */
bool rwoken[NREAD];
bool waits[NREAD];		/* in read_begin, after read_fast() has returned false */
bool removes;			/* in remove */
bool vain;			/* a reader was woken although its slot has not ended */

/* The driver and the page tables */
#define CURRENT	1
#define CHANGED	2
byte page[NREAD];		/* what the reader has read; 0: nothing */
byte spte;			/* subscriptions with an SPTE */
bool released;			/* mn_release() has returned */

hidden byte x, j;

/* Without OWNER, no task looks at the key of a start that has not taken the lock. */
#if defined(COARSE) && !defined(OWNER)
#define CS_START atomic
#else
#define CS_START
#endif

#ifdef COARSE
#define CS atomic
#define lock(l) skip
#define unlock(l) skip
#else
#define CS
#define lock(l) atomic { !l -> l = true }
#define unlock(l) l = false
bool pm_lock, user_lock;
#endif

#if NREAD == 2
#define FOR_READERS(f, arg) f(0, arg); f(1, arg)
#else
#define FOR_READERS(f, arg) f(0, arg)
#endif

#define IN_FLIGHT(seq) ((seq) < NS && seqs & BIT(seq))

inline forget_old(r, s)
{
	if
	:: SUB_OF(r) == s && rseq[r] == OLD -> rseq[r] = NEVER
	:: else
	fi
}

/* pinwatch_interval_set_seq(); insert stores a new value: OLD */
inline set_seq(s, seq)
{
	FOR_READERS(forget_old, s);
	iseq[s] = seq
}

inline limit_excludes(r, slot)
{
	rold[r] = rold[r] & ~BIT(slot)
}

/* pw_slot_open(); @new: the subscriptions newer than ->slot_newest */
inline slot_open(slot, who, new)
{
	over[slot] = who;
	newer[slot] = new;
	in_use = in_use | BIT(slot);
#ifndef LATE_SEQ
	seqs = seqs | BIT(slot);
#endif
	FOR_READERS(limit_excludes, slot)
}

/* pw_record_slot(), with shared_choose() and shared_get() */
inline record_slot(i, new)
{
	if
	:: rec_slot[i] != NONE
	:: else ->
		j = 0;
		do
		:: j < NR_OWN && (in_use & BIT(j)) -> j++
		:: else -> break
		od;
		if
		:: j < NR_OWN -> slot_open(j, OVER(i), new)
		:: else ->
#ifndef ONE_SHARED
			if
			:: nr_shared[join] && !nr_shared[1 - join] -> join = 1 - join
			:: else
			fi;
#endif
			j = SHARED + join;
			nr_shared[join]++;
			if
			:: nr_shared[join] > 1 -> over[j] = over[j] | OVER(i)
			:: else -> slot_open(j, OVER(i), 0)
			fi
		fi;
		rec_slot[i] = j;
		j = 0
	fi
}

/* pw_slots_overlap(): the first slot among @slots, in j, or NONE */
inline slots_overlap(slots, s)
{
	j = 0;
	do
	:: j < NS && !((slots) & BIT(j) && over[j] & BIT(s)) -> j++
	:: else -> break
	od
}

/* pw_walk_note_multi(); @i has the slot @slot */
inline note_multi(i, slot, s)
{
	if
	:: batch[i] & BIT(s) ->
		slots_overlap(in_use & ~BIT(slot), s);
		if
		:: dead || j != NONE ->
#ifndef NO_MULTI
			multi = multi | BIT(s)
#else
			skip
#endif
		:: else
		fi;
		j = 0
	:: else
	fi
}

/* walk_call_entry() of invalidation @i: ops->invalidate() takes the user lock */
inline call_entry(i, s, seq)
{
	atomic {
		if
		:: batch[i] & BIT(s) -> batch[i] = batch[i] & ~BIT(s); calls[i] = s + 1
		:: else
		fi
	};
	if
	:: calls[i] == s + 1 ->
#ifdef DECLINES
		if
		:: true			/* the callback ignores the invalidation */
		:: true ->
#endif
			CS {
				lock(user_lock);
				d_step { set_seq(s, seq) };
				spte = spte & ~BIT(s);
				unlock(user_lock)
			};
#ifdef DECLINES
		fi;
#endif
		calls[i] = 0		/* ->pos */
	:: else
	fi
}

inline change_page(r, s)
{
	if
	:: page[r] == CURRENT && (s) & BIT(SUB_OF(r)) -> page[r] = CHANGED
	:: else
	fi
}

/* The kernel changes the page tables of the subscriptions @s. */
inline change(s)
{
#ifndef DECLINES
	d_step {
		assert(!(spte & (s)));	/* no SPTE outlives the callback */
		FOR_READERS(change_page, s)
	}
#else
	skip
#endif
}

/* wake_up_var(&pm->seqs[slot]) */
inline wake_reader(r, slot)
{
	if
#ifdef WAKE_ALL
	:: ron[r] -> rwoken[r] = true
#else
	:: ron[r] == (slot) + 1 -> rwoken[r] = true
#endif
	:: else
	fi
}

inline slot_wake(slot)
{
	d_step {
		FOR_READERS(wake_reader, slot)
	}
}

inline close_reader(r, slot)
{
	if
	:: rseq[r] == slot -> rseq[r] = (iseq[SUB_OF(r)] == slot -> OLD : NEVER)
	:: else
	fi;
	if
	:: rval[r] == slot -> rval[r] = NEVER
	:: else
	fi
}

inline close_sub(s, slot)
{
	if
	:: iseq[s] == slot -> iseq[s] = OLD
	:: else
	fi
}

/* pw_slot_close() and slot_put(); wake: the slot whose readers are to be woken, or NONE */
inline slot_put(i, wake)
{
	d_step {
		j = rec_slot[i];
		wake = NONE;
		if
		:: j >= SHARED && j != NONE ->
			nr_shared[j - SHARED]--;
			if
			:: nr_shared[j - SHARED] -> j = NONE
			:: else
			fi
		:: else
		fi;
		if
		:: j != NONE ->
			if
#ifdef WAKE_ALL
			:: true -> wake = j
#else
			:: waited & BIT(j) -> wake = j
#endif
			:: else
			fi;
			in_use = in_use & ~BIT(j);
			waited = waited & ~BIT(j);
			seqs = seqs & ~BIT(j);
			FOR_READERS(close_reader, j);
			close_sub(0, j);
#if NSUB == 2
			close_sub(1, j);
#endif
			over[j] = 0;
			newer[j] = 0
		:: else
		fi;
		rec_slot[i] = NONE;
		j = 0
	}
}

#ifdef LATE_SEQ
#define late_seq(i) seqs = seqs | BIT(seq)
#else
#define late_seq(i) skip
#endif
#ifdef EARLY_END
#define change_late(i) change(OVER(i))
#define change_early(i) skip
#else
#define change_late(i) skip
#define change_early(i) change(OVER(i))
#endif

proctype invalidator(byte i)
{
	byte seq, wake;

again:
	CS_START {
		/* mn_invalidate_range_start(): xchg(->key) */
		key[i] = SET;
		/* pm->gen == ->hole_gen, and in the hole? */
		if
		:: hole[i] -> goto started
		:: else
		fi;
		CS {	/* start_miss() */
			lock(pm_lock);
			rec_used[i] = true;		/* pw_record_use() */
			if
			:: !(linked & OVER(i)) ->
				hole[i] = true;		/* record_hole() */
				unlock(pm_lock);
				goto started
			:: else
			fi;
			key[i] = SLOW;			/* start_walk() or start_one() */
			d_step {
				record_slot(i, 0);
				seq = rec_slot[i];
				batch[i] = linked & OVER(i) & ~ELSEWHERE;
#ifndef STORE_TWICE
				batch[i] = batch[i] & ~newer[seq];
#endif
				note_multi(i, seq, 0);
#if NSUB == 2
				note_multi(i, seq, 1);
#endif
				skip
			};
			unlock(pm_lock)
		}
	};
	if
	:: batch[i] ->
		call_entry(i, 0, seq);
#if NSUB == 2
		call_entry(i, 1, seq);
#endif
		late_seq(i)
	:: else
	fi;
#ifdef STUCK
	(i != STUCK);			/* a callback that sleeps for ever */
#endif
started:
	atomic {
		seq = 0;
		change_early(i)
	};
#ifdef RELEASE
	/* After release, the end may not come. */
	if
	:: dead -> goto cut_off
	:: true
	fi;
#endif
	CS_START {
		/* mn_invalidate_range_end(): cmpxchg(->key, range, 0) */
		atomic {
			if
			:: key[i] == SET -> key[i] = FREE; goto ended
			:: else
			fi
		};
		CS {	/* end_slow() */
			lock(pm_lock);
			slot_put(i, wake);
			key[i] = FREE;
			unlock(pm_lock)
		};
#ifdef NO_WAKE
		wake = NONE;
#endif
		if
		:: wake == NONE -> wake = 0; goto ended
		:: else
		fi
	};
	atomic { slot_wake(wake); wake = 0 };
ended:
	change_late(i);
#ifdef RELEASE
	if
	:: released -> goto cut_off
	:: else
	fi;
#endif
#ifdef ONCE
	if
	:: i == 0 -> goto cut_off
	:: else
	fi;
#endif
	goto again;
cut_off:
	skip
}

inline wake_any(r, unused)
{
	rwoken[r] = true
}

/* mn_release() */
proctype release()
{
	CS {
		lock(pm_lock);
		dead = true;		/* and a new value */
		unlock(pm_lock)
	};
	/* release_wake() */
#ifdef NO_DEAD_WAKE
	skip;
#else
	d_step { FOR_READERS(wake_any, 0) };
#endif
	/* release_walk(): RELEASE, and UNMAP likewise */
	CS {
		lock(pm_lock);
		d_step {
			batch[NINV] = linked & ~ELSEWHERE;
			note_multi(NINV, NS, 0);
#if NSUB == 2
			note_multi(NINV, NS, 1)
#endif
		};
		unlock(pm_lock)
	};
	call_entry(NINV, 0, OLD);
#if NSUB == 2
	call_entry(NINV, 1, OLD);
#endif
	released = true;
	change(BIT(NSUB) - 1)		/* exit_mmap() */
}

/* wait_over(), with wait_multi() */
inline wait_over(r, s)
{
	CS {
		lock(pm_lock);
		d_step {
			rslot[r] = NONE;
			if
#ifdef NO_DEAD
			:: iseq[s] != rseq[r] -> rseq[r] = NEVER
#else
			:: dead || iseq[s] != rseq[r] -> rseq[r] = NEVER
#endif
			:: else ->
				rslot[r] = rseq[r];
				if
				:: !IN_FLIGHT(rseq[r]) ->
					rslot[r] = NONE;
					if
					:: multi & BIT(s) ->
						if
						:: !rlimit[r] -> rlimit[r] = true; rold[r] = in_use
						:: else
						fi;
#ifdef NO_LIMIT
						slots_overlap(in_use, s);
#else
						slots_overlap(in_use & rold[r], s);
#endif
						rslot[r] = j;
						slots_overlap(in_use, s);
						if
						:: j == NONE -> multi = multi & ~BIT(s)
						:: else
						fi;
						j = 0
					:: else
					fi
				:: else
				fi
			fi;
			rval[r] = NEVER;
			if
			:: rslot[r] != NONE ->
				rval[r] = rslot[r];
				waited = waited | BIT(rslot[r])
			:: else
			fi
		};
		unlock(pm_lock)
	}
}

#ifdef NO_DEAD
#define slot_ended(r) (rval[r] == NEVER)
#else
#define slot_ended(r) (dead || rval[r] == NEVER)
#endif

/* wait_var_event(&pm->seqs[slot], slot_ended()) */
inline wait_slot(r)
{
	do
	:: d_step { ron[r] = rslot[r] + 1; rwoken[r] = false };
	   if
	   :: slot_ended(r) -> ron[r] = 0; break
	   :: else -> rwoken[r]
#ifdef QUIET
		; if
		:: !slot_ended(r) -> vain = true; vain = false
		:: else
		fi
#endif
	   fi
	od;
	rwoken[r] = false
}

/* pinwatch_interval_read_begin() */
inline read_begin(r, s)
{
	rseq[r] = iseq[s];		/* read_fast() */
	if
	:: IN_FLIGHT(rseq[r])
	:: else ->
		if
		:: multi & BIT(s)
		:: else -> goto section
		fi
	fi;
#ifndef NO_BEGIN
	waits[r] = true;
	wait_over(r, s);		/* read_wait() */
	do
	:: rslot[r] == NONE -> break
	:: else -> wait_slot(r); wait_over(r, s)
	od;
	atomic { waits[r] = false; rlimit[r] = false; rold[r] = 0; rslot[r] = 0;
		 rval[r] = 0 };
#endif
section:
	skip
}

inline read_section(r, s)
{
#ifndef BEGIN_ONLY
	page[r] = CURRENT;		/* get_user_pages() */
	CS {
		lock(user_lock);
		if			/* pinwatch_interval_read_retry() */
#ifndef NO_RETRY
		:: iseq[s] != rseq[r]
#endif
		:: else ->
			assert(page[r] == CURRENT);	/* no stale page after a false read_retry */
			spte = spte | BIT(s)
		fi;
		unlock(user_lock)
	};
#endif
	d_step { page[r] = 0; rseq[r] = NEVER }
}

inline mark_record(i, s)
{
	d_step {
		if
		:: rec_used[i] && key[i] == FREE -> rec_used[i] = false
		:: rec_used[i] && key[i] != FREE && (OVER(i) & BIT(s)) ->
			key[i] = SLOW;
			record_slot(i, BIT(s));
			set_seq(s, rec_slot[i]);
			nr++
		:: else
		fi
	}
}

/* sub_insert() and sub_link() */
inline insert(s)
{
	CS {
		lock(pm_lock);
		if
		:: dead -> unlock(pm_lock); goto gone	/* -ESRCH */
		:: else
		fi;
		d_step { multi = multi & ~BIT(s); set_seq(s, OLD) };
		linked = linked | BIT(s);
		d_step {				/* pm->gen++ */
			j = 0;
			do
			:: j < NINV ->
#ifndef NO_GEN
				hole[j] = false;
#endif
				j++
			:: else -> break
			od;
			j = 0;
			do
			:: j < NR_OWN && (in_use & BIT(j)) -> newer[j] = newer[j] | BIT(s); j++
			:: j < NR_OWN && !(in_use & BIT(j)) -> j++
			:: else -> break
			od;
			j = 0
		};
#ifndef NO_MARK
		/* pw_record_mark_insert() */
		mark_record(0, s);
#if NINV > 1
		mark_record(1, s);
#endif
#if NINV == 3
		mark_record(2, s);
#endif
#endif
		if
		:: nr > 1 -> multi = multi | BIT(s)
		:: else
		fi;
		nr = 0;
		unlock(pm_lock)
	}
}

#define CALLED(i, s) (calls[i] == s + 1)

/* pinwatch_interval_notifier_remove(); the driver has torn down its SPTEs */
inline remove(s)
{
	CS { lock(user_lock); spte = spte & ~BIT(s); unlock(user_lock) };
	CS {
		lock(pm_lock);
		d_step {			/* pw_walk_cancel() */
			linked = linked & ~BIT(s);
			j = 0;
			do
			:: j <= NINV -> batch[j] = batch[j] & ~BIT(s); j++
			:: else -> break
			od;
			j = 0
		};
		unlock(pm_lock)
	};
	removes = true;
	/* remove_wait() */
	!CALLED(0, s) && !CALLED(NINV / 2, s) && !CALLED(NINV - 1, s) && !CALLED(NINV, s);
	removes = false
}

proctype reader(byte r; byte s)
{
	byte nr;

#ifdef OWNER
	if
	:: r == 0 ->
owner:		insert(s)
	:: else
	fi;
#endif
	do
	:: read_begin(r, s);
	   read_section(r, s);
#ifdef RELEASE
	   if
	   :: dead -> break	/* mmget_not_zero() fails */
	   :: else
	   fi;
#endif
#ifdef OWNER
	   if
	   :: r == 0 -> remove(s); goto owner
	   :: true
	   fi
#endif
	od;
gone:
	skip
}

init
{
	d_step {
		j = 0;
		do
		:: j < NINV -> rec_slot[j] = NONE; j++
		:: else -> break
		od;
		j = 0;
		do
		:: j < NSUB -> iseq[j] = OLD; j++
		:: else -> break
		od;
		j = 0;
		do
		:: j < NREAD -> rseq[j] = NEVER; j++
		:: else -> break
		od;
		j = 0;
#ifndef OWNER
		linked = (BIT(NSUB) - 1) | ELSEWHERE
#else
		linked = (BIT(NSUB) - 2) | ELSEWHERE
#endif
	};
	atomic {
		run invalidator(0);
#if NINV > 1
		run invalidator(1);
#endif
#if NINV == 3
		run invalidator(2);
#endif
		run reader(0, SUB_OF(0));
#if NREAD == 2
		run reader(1, SUB_OF(1));
#endif
#ifdef RELEASE
		run release()
#endif
	}
}

#ifdef LIVE
ltl read_begin_ends { [] (waits[0] -> <> !waits[0]) }
ltl remove_ends { [] (removes -> <> !removes) }
ltl woken_in_vain { <> [] !vain }
#endif
