/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pinwatch core: subscriptions that may sleep, the veto, and the kernel's interval notifiers
 *
 * veto.c, sub_link_sleeper(), PW_SLOT_VETO of read.c, and the kernel's own interval tree
 * (mm/mmu_notifier.c), in which the veto is. The comments name the functions. README says how
 * to run the model, and what each -D macro means.
 *
 * Processes, each of which loops for ever if the macro is set: HIT, a blockable invalidation of
 * the subscriptions HIT; REAP, a reaper of these subscriptions; STREAM, two blockable
 * invalidations of another block; DRIVER, which inserts sleeper 1, reads and removes it; the
 * worker that settles the veto; NEIGHBOUR, a real interval notifier of another driver in the
 * block of the stream, which that driver removes once. STATIC: sleeper 0 is subscribed, and so
 * the veto is in the kernel's tree.
 *
 * Abstractions:
 *   - As in read.pml: memory, and a section under a lock is one step.
 *   - Both sleepers are in one block. One SPTE, of sleeper 1.
 *   - The kernel's sequence is compared for equality with that of the veto and of a remove that
 *     waits. So it is a bit for odd, and a bit for each comparison, which is true until the
 *     sequence changes.
 *   - read_begin waits for the invalidations that the sleeper has accepted or was marked under,
 *     and for the veto. How it waits for the former is the matter of read.pml.
 */
#define BIT(n)	(1 << (n))
#define ME	1		/* the sleeper of the driver */

/* The kernel's struct mmu_notifier_subscriptions */
byte nr_active;			/* active_invalidate_ranges */
bool odd;			/* mn_itree_is_invalidating() */
bool veto_in_tree;
bool veto_deferred;		/* on deferred_list */
bool veto_equal;		/* veto->mni.invalidate_seq == invalidate_seq */
bool neighbour_in_tree;
bool neighbour_deferred;	/* on deferred_list, to be removed */
bool neighbour_waits;		/* remove waits for a change of invalidate_seq */
bool unstable;			/* MMF_UNSTABLE */

/* The engine */
byte linked;			/* sleepers in the tree */
bool veto;			/* in pm->vetoes */
bool unsettled;			/* on pm->unsettled */
bool multi;			/* PW_SUB_MULTI of ME */
byte in_flight;			/* invalidations that ME has accepted or was marked under */
byte flying;			/* records in flight over ME */
byte batch;			/* invalidations whose walk has ME in its batch */

/* The driver */
bool user_lock;
bool spte;
bool collides;			/* ME has accepted an invalidation since read_begin */
byte page;			/* 0: not read, 1: current, 2: changed since */
bool inserts;
bool waits;			/* in read_begin */

#ifndef HIT
#define HIT	0
#endif
#ifdef UNDER_LOCK
#define lock_insert() atomic { !user_lock -> user_lock = true }
#define unlock_insert() user_lock = false
#else
#define lock_insert() skip
#define unlock_insert() skip
#endif

#ifndef HITS_NEIGHBOUR
#define HITS_NEIGHBOUR	false	/* the stream overlaps the neighbour */
#endif

/* Is a notifier in the tree over the range? @block: the block of the sleepers */
#ifdef MM_WIDE
#define IN_TREE(block) (veto_in_tree || (!(block) && neighbour_in_tree && HITS_NEIGHBOUR))
#define VETO_OVER(block) veto_in_tree
#else
#define IN_TREE(block) ((block) -> veto_in_tree : neighbour_in_tree && HITS_NEIGHBOUR)
#define VETO_OVER(block) ((block) && veto_in_tree)
#endif

/* mn_itree_inv_start_range() */
inline itree_start(block)
{
	d_step {
		nr_active++;
		odd = odd || IN_TREE(block);
		calls_veto = VETO_OVER(block)
	}
}

/* mn_itree_inv_end() */
inline itree_end()
{
	d_step {
		nr_active--;
		if
		:: !nr_active && odd ->
			odd = false;
			veto_equal = false;
			neighbour_waits = false;
			veto_in_tree = veto_in_tree || veto_deferred;
			veto_deferred = false;
			neighbour_in_tree = neighbour_in_tree && !neighbour_deferred;
			neighbour_deferred = false
		:: else
		fi
	}
}

/*
 * invalidate_range_start of a range, and its end. @id: a bit; @subs: the sleepers in the range;
 * @block: the range is in the block of the sleepers.
 */
inline invalidation(id, subs, block, blockable)
{
	itree_start(block);
	refused = false;
	if
	:: calls_veto && !blockable ->
		d_step {			/* veto_invalidate() */
			refused = (linked & (subs)) != 0;
#ifdef SETTLE_AT_INSERT
			veto_equal = veto_equal || (!refused && odd);
#endif
			skip
		}
	:: else
	fi;
	if
	:: refused -> skip			/* -EAGAIN */
	:: else ->
		d_step {			/* mn_invalidate_range_start(): record, walk */
			flying = flying | ((subs) & BIT(ME) -> id : 0);
			called = (blockable -> linked & (subs) : 0);	/* walk_nr_classes() */
#ifdef CALL_SLEEPER
			called = linked & (subs);
#endif
			assert(blockable || !called);	/* no sleeper where it must not sleep */
			batch = batch | (called & BIT(ME) -> id : 0)
		};
		if
		:: called ->			/* ops->invalidate() */
			atomic {
				!user_lock;
				if
				:: batch & (id) ->
					batch = batch & ~(id);
					in_flight = in_flight | id;	/* set_seq */
					collides = true;
					spte = false
				:: else
				fi
			};
			called = 0
		:: else
		fi;
		d_step {			/* the kernel changes the page tables */
			assert(!(spte && (subs) & BIT(ME)));	/* no SPTE outlives them */
			page = (page && (subs) & BIT(ME) -> 2 : page)
		}
	fi;
	calls_veto = false;
	itree_end();
	if
	:: refused -> refused = false
	:: else ->
		d_step {			/* mn_invalidate_range_end() */
			flying = flying & ~(id);
			in_flight = in_flight & ~(id)
		}
	fi
}

proctype hit()
{
	byte called;
	bool calls_veto, refused;

	do
	:: invalidation(1, HIT, true, true)
	od
}

proctype reaper()
{
	byte called;
	bool calls_veto, refused;

	unstable = true;	/* __oom_reap_task_mm() sets MMF_UNSTABLE before its first range */
	do
	:: invalidation(2, BIT(ME), true, false)
	od
}

proctype stream()
{
	byte called;
	bool calls_veto, refused;

	do
	:: invalidation(0, 0, false, true)
	od
}

/* pw_veto_ensure(), veto_insert() and veto_link(); __mmu_interval_notifier_insert() */
inline veto_ensure()
{
	if
	:: !veto ->
		d_step {
			if
			:: nr_active && odd -> veto_deferred = true; veto_equal = true
			:: nr_active && !odd -> odd = true; veto_in_tree = true; veto_equal = true
			:: else -> veto_in_tree = true
			fi
		};
		d_step { veto = true; unsettled = true }
	:: else
	fi
}

/* pw_veto_settle_work() */
proctype settle()
{
	do
	:: unsettled ->
		!veto_equal;		/* mmu_interval_read_begin() */
		unsettled = false	/* veto_settled() */
	od
}

proctype driver()
{
	byte old;

again:
	inserts = true;
	lock_insert();
	veto_ensure();
	d_step {				/* sub_link_sleeper() */
		if
#ifndef NO_UNSTABLE
		:: unstable
#endif
		:: else ->
			linked = linked | BIT(ME);
			in_flight = flying;	/* pw_record_mark_insert() */
#ifndef NO_VETO_WAIT
			multi = unsettled;	/* pw_veto_mark() */
#endif
			skip
		fi
	};
#ifdef SETTLE_AT_INSERT
	!veto_equal;				/* before issue 15, insert waited here */
#endif
	unlock_insert();
	inserts = false;
	if
	:: linked & BIT(ME)
	:: else -> goto gone
	fi;
	do
	:: collides = false;			/* read_begin */
	   atomic { waits = true; old = in_flight };
	   !(in_flight & old) || collides;
	   if
	   :: multi -> !unsettled || collides; d_step { multi = unsettled }	/* PW_SLOT_VETO */
	   :: else
	   fi;
	   atomic { waits = false; old = 0 };
	   page = 1;
	   atomic {				/* read_retry under the user lock */
		!user_lock;
		if
		:: collides
		:: else -> assert(page == 1); spte = true
		fi
	   };
	   page = 0
	:: true -> break
	od;
	spte = false;
	d_step { linked = linked & ~BIT(ME); multi = false; in_flight = 0; batch = 0;
		 collides = false };
	goto again;
gone:
	skip
}

/* The kernel's mmu_interval_notifier_remove() */
proctype neighbour()
{
	d_step {
		if
		:: odd -> neighbour_deferred = true; neighbour_waits = true
		:: else -> neighbour_in_tree = false
		fi
	};
	!neighbour_waits
}

init
{
	d_step {
#ifdef STATIC
		linked = BIT(0);
		veto = true;
		veto_in_tree = true;
#endif
#ifdef NEIGHBOUR
		neighbour_in_tree = true;
#endif
		skip
	};
	atomic {
#if HIT
		run hit();
#endif
#ifdef REAP
		run reaper();
#endif
#ifdef STREAM
		run stream();
#if STREAM == 2
		run stream();
#endif
#endif
#ifdef DRIVER
		run driver();
		run settle();
#endif
#ifdef NEIGHBOUR
		run neighbour();
#endif
		skip
	}
}

#ifdef LIVE
ltl insert_ends { [] (inserts -> <> !inserts) }
ltl neighbour_ends { [] (neighbour_waits -> <> !neighbour_waits) }
/* The first read_begin of a sleeper may wait until no invalidation is in flight in the mm. */
ltl read_begin_ends { ([] <> !nr_active) -> [] (waits -> <> !waits) }
ltl read_begin_ends_though_never_idle { [] (waits -> <> !waits) }
#endif
