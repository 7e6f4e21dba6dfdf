/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pinwatch core: starts that take no lock, against insert and remove
 *
 * The hole of a record, pm->used and the page filter: start_outside(), start_miss() and
 * record_filtered() of invalidate.c, mark_records() of record.c, filter.c and filter_table.c. The
 * comments name the functions. README says how to run the model, and what each -D macro means.
 *
 * Processes: NINV invalidators of one page, which loop for ever; owners that insert and remove
 * the two subscriptions of that page for ever; RCU.
 *
 * Abstractions:
 *   - As in read.pml: memory, pm->gen. ../litmus has the orderings of the filter.
 *   - One page, one level, one leaf at a time. A count goes to COUNT_MAX of 3.
 *   - A rebuild of the table happens at any insert that needs a leaf. Memory may be short.
 *   - An invalidation of another range replaces the hole of a record. So a range may be outside
 *     the hole that was stored for it.
 */
#ifndef NINV
#define NINV	1
#endif
#ifndef COUNT_MAX
#define COUNT_MAX 1		/* PW_FILTER_COUNT_MAX */
#endif
#ifndef FROM
#define FROM	2		/* pw_filter_from */
#endif
#define NMEM	2		/* memory for as many tables, and as many leaves */
#define NSUB	2
#define BIT(n)	(1 << (n))

byte key[NINV];			/* pw_record.key: 0, 1 or SLOW */
#define SLOW	2
bool current[NINV];		/* pw_record.hole_gen == pm->gen */
bool in_hole[NINV];		/* the range is in the hole of the record */
bool rec_used[NINV];		/* pm->used */
byte told[NINV];		/* subscriptions that were called, or that insert has marked */
byte linked;			/* in the tree */
byte inserted;			/* insert has returned */
byte nr_subs;

bool complete;			/* PW_FILTER_ACTIVE in pw_filter.levels */
bool level;			/* BIT(0) in pw_filter.levels */
bool from_reached;		/* pw_filter.from == 0 */
byte uncounted;			/* PW_SUB_UNCOUNTED */
byte table;			/* pw_filter_tables.table[], a table + 1, or 0 */
byte leaf[NMEM];		/* pw_filter_slot.leaf, a leaf + 1, or 0; of the only slot */
byte count[NMEM];		/* the count of the page in a leaf */
byte nr[NMEM];			/* pw_filter_slot.nr, by leaf */

/* Memory of NMEM tables, and of NMEM leaves */
mtype = { FREE, USED, RETIRED };	/* RETIRED: after kvfree_rcu() */
mtype mem[2 * NMEM];
#define TABLE(n) (n)
#define LEAF(n)	(NMEM + (n))
byte reading[2 * NMEM];		/* RCU readers that the grace period waits for */
byte readers;			/* in an RCU read section */
bool pm_lock;
hidden byte j;

#define lock() atomic { !pm_lock -> pm_lock = true }
#define unlock() pm_lock = false

#define rcu_read_lock(i) readers = readers | BIT(i)

inline rcu_read_unlock(i)
{
	d_step {
		readers = readers & ~BIT(i);
		j = 0;
		do
		:: j < 2 * NMEM -> reading[j] = reading[j] & ~BIT(i); j++
		:: else -> break
		od;
		j = 0
	}
}

/* kvfree_rcu() */
inline retire(n)
{
#ifdef NO_GRACE
	mem[n] = FREE
#else
	mem[n] = RETIRED;
	reading[n] = readers
#endif
}

#define RCU_FREES(n) atomic { mem[n] == RETIRED && !reading[n] -> mem[n] = FREE }

active proctype rcu()
{
	do
	:: RCU_FREES(0)
	:: RCU_FREES(1)
	:: RCU_FREES(2)
	:: RCU_FREES(3)
	od
}

/* pw_filter_covers() under the lock */
#define COVERED	(level && table && leaf[table - 1] && count[THE_LEAF])
#define THE_LEAF (leaf[table - 1] - 1)

/* pw_filter_covers() without the lock, in covers */
inline filter_covers(i)
{
	rcu_read_lock(i);
	if
	:: !complete -> covers = true
	:: else ->
		if
		:: !level -> covers = false
		:: else ->
			t = table;
			if
			:: t ->
				assert(mem[TABLE(t - 1)] != FREE);	/* no use after free */
				l = leaf[t - 1];
				if
				:: l ->
					assert(mem[LEAF(l - 1)] != FREE);
					covers = count[l - 1] > 0
				:: else -> covers = false
				fi
			:: else -> covers = false
			fi
		fi
	fi;
	atomic { t = 0; l = 0; rcu_read_unlock(i) }
}

proctype invalidator(byte i)
{
#ifdef READ_EARLY
	bool was_current;
#endif
	bool covers;
	byte t, l;

again:
	if
	:: true
	:: atomic {		/* the record was used for another range, which had a hole */
		!pm_lock ->
		current[i] = true;
		in_hole[i] = false;
		rec_used[i] = true
	   }
	fi;
#ifdef READ_EARLY
	was_current = current[i];
	filter_covers(i);
#endif
	key[i] = 1;			/* mn_invalidate_range_start(): xchg(->key) */
	if
	:: current[i] && in_hole[i] -> goto started
	:: true				/* start_outside() */
	fi;
	if
	:: complete &&
#ifdef USE_STALE
	   true
#elif defined(READ_EARLY)
	   was_current
#else
	   current[i]
#endif
		->			/* start_filtered(), record_filtered() */
#ifndef READ_EARLY
		filter_covers(i);
#endif
		if
		:: !covers -> in_hole[i] = true; goto started
		:: else -> covers = false
		fi
	:: else -> covers = false
	fi;
	lock();				/* start_miss() */
	d_step {
		if
		:: !current[i] && complete && !COVERED ->	/* record_filtered() */
			rec_used[i] = true;	/* pw_record_use() */
			current[i] = true;
			in_hole[i] = true
		:: else ->
			rec_used[i] = rec_used[i] || !current[i];
			if
			:: linked ->		/* the walk */
				key[i] = SLOW;
				told[i] = told[i] | linked
			:: else ->		/* record_hole() */
				current[i] = true;
				in_hole[i] = true
			fi
		fi
	};
	unlock();
started:
	covers = false;
	/* The kernel changes the page tables: each subscription was told. */
	d_step { assert(!(inserted & linked & ~told[i])) };
	atomic { key[i] = 0; told[i] = 0 };	/* mn_invalidate_range_end() */
	goto again
}

/* A free table or leaf, in n, or NMEM: no memory */
inline alloc(base, n)
{
	n = 0;
	do
	:: n < NMEM && mem[base + n] != FREE -> n++
	:: else -> break
	od;
	if
	:: true
	:: n = NMEM
	fi
}

/* table_rebuild() */
inline rebuild()
{
	atomic { alloc(0, n) };
	if
	:: n < NMEM ->
#ifdef PUBLISH_EMPTY
		atomic { m = table; mem[TABLE(n)] = USED; leaf[n] = 0; table = n + 1 };
#else
		atomic { m = table; mem[TABLE(n)] = USED; leaf[n] = 0 };
#endif
		if
		:: m && leaf[m - 1] && nr[leaf[m - 1] - 1] -> leaf[n] = leaf[m - 1]
		:: else
		fi;
		table = n + 1;		/* rcu_assign_pointer() */
		atomic {		/* table_retire() */
			if
			:: m ->
				if
				:: leaf[m - 1] && leaf[m - 1] != leaf[n] ->
					retire(LEAF(leaf[m - 1] - 1))
				:: else
				fi;
				retire(TABLE(m - 1))
			:: else
			fi;
			m = 0
		}
	:: else
	fi;
	n = 0
}

/* filter_add(): count subscription s. Without memory: ok is false. */
inline filter_add(s)
{
	ok = true;
	if
	:: !table || !leaf[table - 1] -> rebuild()
	:: true -> rebuild()
	:: table && leaf[table - 1]
	fi;
	if
	:: !table -> ok = false
	:: table && !leaf[table - 1] ->	/* pw_filter_slot_new(), table_add() */
		atomic {
			alloc(NMEM, n);
			if
			:: n < NMEM ->
				mem[LEAF(n)] = USED;
				count[n] = 0;
				nr[n] = 0;
				leaf[table - 1] = n + 1
			:: else -> ok = false
			fi;
			n = 0
		}
	:: else
	fi;
	if
	:: ok ->
		nr[THE_LEAF]++;
		count[THE_LEAF] = (count[THE_LEAF] < COUNT_MAX -> count[THE_LEAF] + 1 : COUNT_MAX)
	:: else ->
		uncounted = uncounted | BIT(s);	/* filter_miss() */
#ifndef MISS_KEPT
		complete = false
#endif
	fi;
	ok = false
}

/* filter_publish_all() */
inline publish_all()
{
	d_step {
		complete = !uncounted;
		level = table && leaf[table - 1] && nr[THE_LEAF]
	}
}

/* pw_filter_insert() */
inline filter_insert(s)
{
	if
	:: nr_subs < FROM && !from_reached	/* pw_filter_wanted() */
	:: nr_subs >= FROM && !from_reached ->	/* filter_use() */
		from_reached = true;
#ifdef USE_EARLY
		d_step { complete = true; level = true };
#endif
		if
		:: linked & BIT(0) -> filter_add(0)
		:: else
		fi;
		if
		:: linked & BIT(1) -> filter_add(1)
		:: else
		fi;
		publish_all()
	:: else ->
		filter_add(s);
		if
		:: complete -> level = true
		:: else
		fi
	fi
}

/* pw_filter_remove(). @s is no longer linked. */
inline filter_remove(s)
{
	if
	:: !from_reached
	:: from_reached && uncounted & BIT(s) ->	/* filter_unmiss() */
		uncounted = uncounted & ~BIT(s);
		publish_all()
	:: else ->
#ifdef CLEAR_ALL
		count[THE_LEAF] = 0;
#else
		count[THE_LEAF] = (count[THE_LEAF] == COUNT_MAX ->	/* word_recount() */
			       (linked & ~uncounted -> 1 : 0) : count[THE_LEAF] - 1);
#endif
		nr[THE_LEAF]--;
		if
		:: !nr[THE_LEAF] ->				/* pw_filter_slot_emptied() */
			if
			:: true				/* the table keeps the leaf */
			:: atomic {
				n = table - 1;
				table = 0;
				retire(LEAF(leaf[n] - 1));
				retire(TABLE(n));
				n = 0
			   }
			fi;
			publish_all()
		:: else
		fi
	fi
}

/* mark_records() for record @i, in two steps as there */
inline mark_record(i, s)
{
	if
	:: rec_used[i] && !key[i] -> rec_used[i] = false
	:: else
	fi;
	d_step {
		if
		:: rec_used[i] && key[i] -> key[i] = SLOW; told[i] = told[i] | BIT(s)
		:: else
		fi
	}
}

proctype owner(byte s)
{
	byte n, m;
	bool ok;

	do
	:: lock();			/* sub_link() */
	   linked = linked | BIT(s);
	   nr_subs++;
#ifndef COUNT_LATE
	   filter_insert(s);
#endif
	   d_step {			/* pm->gen++ */
		current[0] = false;
#if NINV == 2
		current[1] = false;
#endif
		skip
	   };
	   mark_record(0, s);		/* pw_record_mark_insert() */
#if NINV == 2
	   mark_record(1, s);
#endif
#ifdef COUNT_LATE
	   unlock();
	   lock();
	   filter_insert(s);
#endif
	   inserted = inserted | BIT(s);
	   unlock();
	   lock();			/* sub_unlink() */
	   d_step {
		inserted = inserted & ~BIT(s);
		linked = linked & ~BIT(s);
		nr_subs--;
		told[0] = told[0] & ~BIT(s);
#if NINV == 2
		told[1] = told[1] & ~BIT(s);
#endif
		skip
	   };
	   filter_remove(s);
	   unlock()
	od
}

init
{
	d_step {
		j = 0;
		do
		:: j < 2 * NMEM -> mem[j] = FREE; j++
		:: else -> break
		od;
		j = 0
	};
	atomic {
		run invalidator(0);
#if NINV == 2
		run invalidator(1);
#endif
		run owner(0);
		run owner(1)
	}
}
