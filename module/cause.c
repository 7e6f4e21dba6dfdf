// SPDX-License-Identifier: GPL-2.0-only
/*
 * Causes: from the event, the task, its system call and its stack
 *
 * The kernel's events say what happens to page tables, but not why, and their meaning
 * differs between versions. A common operation is identified by its system call together
 * with the event that the system call raises. All other operations are identified by the
 * functions on the stack: the innermost function that proves a cause, or else the
 * innermost function that suggests a cause (CODE_HINT). The name of each return address
 * is looked up once; the table seen[] caches the result.
 */
#include <linux/compat.h>
#include <linux/hash.h>
#include <linux/kallsyms.h>
#include <linux/mman.h>
#include <linux/mmu_notifier.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/stacktrace.h>
#include <linux/string.h>
#include <asm/syscall.h>
#include <asm/unistd.h>
#include <linux/pinwatch.h>
#include "cause.h"

#define STACK_DEPTH	48	/* return addresses examined */
#define SEEN_BITS	10	/* binary logarithm of the size of seen[] */

/* The bit number of a cause */
#define CODE(cause)	__builtin_ctzll(PINWATCH_CAUSE_##cause)
#define CODE_NONE	0	/* no cause found: the bit number of UNKNOWN */
#define CODE_HINT	BIT(6)	/* used unless an outer function proves a cause */

struct cause_name {
	const char *function;
	u8 code;
};

/*
 * Each cause has several functions, because names change, and static functions are
 * inlined in some versions. Each function exists in at least one of the kernels of
 * scripts/vm/kernels.list.
 */
static const struct cause_name names[] = {
	{ "shrink_page_list",			CODE(RECLAIM) },
	{ "shrink_folio_list",			CODE(RECLAIM) },
	{ "reclaim_pages",			CODE(RECLAIM) },
	{ "reclaim_folio_list",			CODE(RECLAIM) },
	{ "reclaim_clean_pages_from_list",	CODE(RECLAIM) },
	{ "shrink_node",			CODE(RECLAIM) },
	{ "kswapd",				CODE(RECLAIM) },

	{ "compact_zone",			CODE(COMPACT) },
	{ "kcompactd",				CODE(COMPACT) },

	{ "offline_pages",			CODE(OFFLINE) },
	{ "do_migrate_range",			CODE(OFFLINE) },
	{ "__alloc_contig_migrate_range",	CODE(OFFLINE) },
	{ "alloc_contig_range",			CODE(OFFLINE) },
	{ "alloc_contig_range_noprof",		CODE(OFFLINE) },
	{ "alloc_contig_frozen_range_noprof",	CODE(OFFLINE) },

	{ "memory_failure",			CODE(POISON) },
	{ "memory_failure_work_func",		CODE(POISON) },
	{ "soft_offline_page",			CODE(POISON) },
	{ "unpoison_memory",			CODE(POISON) },

	{ "migrate_misplaced_page",		CODE(NUMA_BALANCE) },
	{ "migrate_misplaced_folio",		CODE(NUMA_BALANCE) },
	{ "do_huge_pmd_numa_page",		CODE(NUMA_BALANCE) },
	{ "task_numa_work",			CODE(NUMA_BALANCE) },
	{ "change_prot_numa",			CODE(NUMA_BALANCE) },

	{ "do_pages_move",			CODE(MIGRATE) },
	{ "kernel_move_pages",			CODE(MIGRATE) },
	{ "do_mbind",				CODE(MIGRATE) },
	{ "do_migrate_pages",			CODE(MIGRATE) },
	{ "kernel_migrate_pages",		CODE(MIGRATE) },
	{ "cpuset_migrate_mm_workfn",		CODE(MIGRATE) },
	{ "__gup_longterm_locked",		CODE(MIGRATE) | CODE_HINT },
	{ "migrate_pages",			CODE(MIGRATE) | CODE_HINT },

	{ "page_mkclean_one",			CODE(WRITEBACK) },
	{ "page_vma_mkclean_one",		CODE(WRITEBACK) },
	{ "page_mkclean",			CODE(WRITEBACK) },
	{ "folio_mkclean",			CODE(WRITEBACK) },
	{ "mapping_wrprotect_range",		CODE(WRITEBACK) },
	{ "clear_page_dirty_for_io",		CODE(WRITEBACK) },
	{ "folio_clear_dirty_for_io",		CODE(WRITEBACK) },

	{ "ksm_scan_thread",			CODE(KSM) },
	{ "ksm_madvise",			CODE(KSM) },
	{ "break_ksm",				CODE(KSM) },
	{ "unmerge_ksm_pages",			CODE(KSM) },

	{ "__split_huge_pmd",			CODE(THP) },
	{ "split_huge_pmd_address",		CODE(THP) },
	{ "split_huge_page_to_list",		CODE(THP) },
	{ "split_huge_page_to_list_to_order",	CODE(THP) },
	{ "__folio_split",			CODE(THP) },
	{ "collapse_huge_page",			CODE(THP) },
	{ "collapse_file",			CODE(THP) },
	{ "collapse_pte_mapped_thp",		CODE(THP) },
	{ "retract_page_tables",		CODE(THP) },
	{ "madvise_collapse",			CODE(THP) },
	{ "khugepaged",				CODE(THP) },

	{ "userfaultfd_ioctl",			CODE(USERFAULT) },
	{ "userfaultfd_release",		CODE(USERFAULT) },

	{ "clear_refs_write",			CODE(SOFT_DIRTY) },
	{ "do_pagemap_cmd",			CODE(SOFT_DIRTY) },
	{ "do_pagemap_scan",			CODE(SOFT_DIRTY) },
	{ "pagemap_scan_pmd_entry",		CODE(SOFT_DIRTY) },

	{ "uprobe_write_opcode",		CODE(UPROBE) },
	{ "uprobe_write",			CODE(UPROBE) },
	{ "install_breakpoint",			CODE(UPROBE) },
	{ "register_for_each_vma",		CODE(UPROBE) },
	{ "uprobe_mmap",			CODE(UPROBE) },

	{ "migrate_vma_setup",			CODE(DEVICE) },
	{ "make_device_exclusive",		CODE(DEVICE) },
	{ "restore_exclusive_pte",		CODE(DEVICE) },

	{ "unmap_mapping_range",		CODE(TRUNCATE) },
	{ "unmap_mapping_pages",		CODE(TRUNCATE) },
	{ "unmap_mapping_page",			CODE(TRUNCATE) },
	{ "unmap_mapping_folio",		CODE(TRUNCATE) },
	{ "hugetlb_vmdelete_list",		CODE(TRUNCATE) },
	{ "hugetlbfs_zero_partial_page",	CODE(TRUNCATE) },
	{ "remove_inode_hugepages",		CODE(TRUNCATE) },

	{ "__access_remote_vm",			CODE(REMOTE_WRITE) },
	{ "access_remote_vm",			CODE(REMOTE_WRITE) },
	{ "process_vm_rw_core",			CODE(REMOTE_WRITE) },
	{ "process_vm_rw",			CODE(REMOTE_WRITE) },

	{ "do_mprotect_pkey",			CODE(MPROTECT) },
	{ "mprotect_fixup",			CODE(MPROTECT) },
	{ "move_vma",				CODE(MREMAP) },
	{ "mremap_to",				CODE(MREMAP) },
	{ "do_mremap",				CODE(MREMAP) },
	{ "__do_sys_mremap",			CODE(MREMAP) },
	{ "mmap_region",			CODE(MMAP) },
	{ "do_mmap",				CODE(MMAP) },
	{ "do_shmat",				CODE(MMAP) },
	{ "dup_mmap",				CODE(FORK) },
	{ "copy_page_range",			CODE(FORK) },
	{ "copy_process",			CODE(FORK) },
	{ "begin_new_exec",			CODE(EXEC) },
	{ "bprm_execve",			CODE(EXEC) },
	{ "do_execveat_common",			CODE(EXEC) },

	{ "do_madvise",				CODE(MADVISE) | CODE_HINT },
	{ "madvise_vma_behavior",		CODE(MADVISE) | CODE_HINT },
	{ "__do_munmap",			CODE(MUNMAP) | CODE_HINT },
	{ "do_munmap",				CODE(MUNMAP) | CODE_HINT },
	{ "do_vmi_munmap",			CODE(MUNMAP) | CODE_HINT },
	{ "do_vmi_align_munmap",		CODE(MUNMAP) | CODE_HINT },
	{ "do_mas_munmap",			CODE(MUNMAP) | CODE_HINT },
	{ "do_mas_align_munmap",		CODE(MUNMAP) | CODE_HINT },
	{ "__vm_munmap",			CODE(MUNMAP) | CODE_HINT },
	{ "ksys_shmdt",				CODE(MUNMAP) | CODE_HINT },
	{ "wp_page_copy",			CODE(COW) | CODE_HINT },
	{ "do_wp_page",				CODE(COW) | CODE_HINT },
	{ "do_huge_pmd_wp_page",		CODE(COW) | CODE_HINT },
	{ "hugetlb_wp",				CODE(COW) | CODE_HINT },
	{ "hugetlb_cow",			CODE(COW) | CODE_HINT },
	{ "hugetlb_fault",			CODE(COW) | CODE_HINT },
	{ "handle_mm_fault",			CODE(FAULT) | CODE_HINT },
	{ "__oom_reap_task_mm",			CODE(REAP) | CODE_HINT },
	{ "exit_mmap",				CODE(EXIT) | CODE_HINT },
	{ "do_exit",				CODE(EXIT) | CODE_HINT },
};

/*
 * System calls whose event identifies the cause without the stack. mprotect() is not
 * among them: on return to user space the task may scan its memory for NUMA balancing,
 * which raises the same event.
 */
struct cause_syscall {
	u16 nr;
	u8 event;
	u8 code;
};

static const struct cause_syscall syscalls[] = {
	{ __NR_munmap,		MMU_NOTIFY_UNMAP,		CODE(MUNMAP) },
	{ __NR_brk,		MMU_NOTIFY_UNMAP,		CODE(MUNMAP) },
	{ __NR_shmdt,		MMU_NOTIFY_UNMAP,		CODE(MUNMAP) },
	{ __NR_mremap,		MMU_NOTIFY_UNMAP,		CODE(MREMAP) },
	{ __NR_mmap,		MMU_NOTIFY_UNMAP,		CODE(MMAP) },
	{ __NR_clone,		MMU_NOTIFY_PROTECTION_PAGE,	CODE(FORK) },
	{ __NR_clone3,		MMU_NOTIFY_PROTECTION_PAGE,	CODE(FORK) },
#ifdef __NR_fork
	{ __NR_fork,		MMU_NOTIFY_PROTECTION_PAGE,	CODE(FORK) },
#endif
};

/* Cache of return addresses: SEEN_ADDR bits of the address, and the code above */
#define SEEN_CODE_SHIFT	56
#define SEEN_ADDR	GENMASK_ULL(SEEN_CODE_SHIFT - 1, 0)
static u64 seen[BIT(SEEN_BITS)];

/* Buffer for a function name, used with preemption off */
/* NOLINTNEXTLINE(bugprone-implicit-widening-of-multiplication-result) */
static DEFINE_PER_CPU(char [KSYM_SYMBOL_LEN], symbol);

/* The result of the last stack on a CPU, for other callbacks of the invalidation */
struct cause_memo {
	unsigned long seq;
	const struct mmu_notifier_range *range;
	unsigned long start;
	u8 event;
	u8 code;
};

static DEFINE_PER_CPU(struct cause_memo, memo);

/* @name is from the symbol table: "function", "function.isra.0", "f [module]" */
static u8 name_code(const char *name)
{
	size_t i, length = strcspn(name, ".");

	if (strchr(name, '['))
		return CODE_NONE;
	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!strncmp(names[i].function, name, length) &&
		    !names[i].function[length])
			return names[i].code;
	return CODE_NONE;
}

static u8 address_lookup(unsigned long address)
{
	char *name;
	u8 code;

	preempt_disable();
	name = *this_cpu_ptr(&symbol);
	/* A return address is behind the call, possibly behind the end of the function. */
	sprint_symbol_no_offset(name, address - 1);
	code = name_code(name);
	preempt_enable();
	return code;
}

static u8 address_code(unsigned long address)
{
	u64 *entry = &seen[hash_long(address, SEEN_BITS)];
	u64 known = READ_ONCE(*entry);
	u8 code;

	/* All kernel addresses have the same bits above SEEN_ADDR. */
	if ((known & SEEN_ADDR) == (address & SEEN_ADDR))
		return known >> SEEN_CODE_SHIFT;
	code = address_lookup(address);
	WRITE_ONCE(*entry, (u64)code << SEEN_CODE_SHIFT | (address & SEEN_ADDR));
	return code;
}

static noinline u8 stack_code(void)
{
	unsigned long entries[STACK_DEPTH];
	unsigned int i, nr = stack_trace_save(entries, STACK_DEPTH, 1);
	u8 hint = CODE_NONE;

	for (i = 0; i < nr; i++) {
		u8 code = address_code(entries[i]);

		if (code != CODE_NONE && !(code & CODE_HINT))
			return code;
		hint = hint ? : code & ~CODE_HINT;
	}
	return hint;
}

/* Does madvise() with @advice always discard pages, and never reclaim or migrate? */
static bool advice_discards(unsigned long advice)
{
	return advice == MADV_DONTNEED || advice == MADV_FREE;
}

static u8 syscall_code(const struct mmu_notifier_range *range)
{
	struct pt_regs *regs = task_pt_regs(current);
	unsigned long args[6];
	size_t i;
	int nr;

	if (current->flags & (PF_KTHREAD | PF_MEMALLOC) || current->mm != range->mm ||
	    in_compat_syscall())
		return CODE_NONE;
	nr = syscall_get_nr(current, regs);
	if (nr == __NR_madvise && range->event == MMU_NOTIFY_CLEAR) {
		syscall_get_arguments(current, regs, args);
		return advice_discards(args[2]) ? CODE(MADVISE) : CODE_NONE;
	}
	for (i = 0; i < ARRAY_SIZE(syscalls); i++)
		if (syscalls[i].nr == nr && syscalls[i].event == range->event)
			return syscalls[i].code;
	return CODE_NONE;
}

static u8 event_code(const struct mmu_notifier_range *range)
{
	/* Only the OOM reaper and process_mrelease() use non-blockable ranges. */
	if (!mmu_notifier_range_blockable(range))
		return CODE(REAP);
	if (range->event == MMU_NOTIFY_SOFT_DIRTY)
		return CODE(SOFT_DIRTY);
	if (range->event == MMU_NOTIFY_MIGRATE || range->event == PW_MMU_NOTIFY_EXCLUSIVE)
		return CODE(DEVICE);
	return CODE_NONE;
}

static noinline u8 stack_code_once(const struct mmu_notifier_range *range,
				   unsigned long seq)
{
	struct cause_memo *known;
	u8 code = CODE_NONE;
	bool valid;

	/*
	 * An invalidation has a unique value, unless it is in a shared slot. Two
	 * invalidations in a shared slot that also have the same address, start and
	 * event are taken for one.
	 */
	known = get_cpu_ptr(&memo);
	valid = known->seq == seq && known->range == range &&
		known->start == range->start && known->event == range->event;
	if (valid)
		code = known->code;
	put_cpu_ptr(&memo);
	if (valid)
		return code;

	code = stack_code();
	known = get_cpu_ptr(&memo);
	*known = (struct cause_memo){
		.seq = seq, .range = range, .start = range->start,
		.event = range->event, .code = code,
	};
	put_cpu_ptr(&memo);
	return code;
}

u64 pw_cause_of(const struct mmu_notifier_range *range, unsigned long seq)
{
	u8 code;

	BUILD_BUG_ON(CODE(DEVICE) != PINWATCH_NR_CAUSES - 1);
	BUILD_BUG_ON(PINWATCH_NR_CAUSES >= CODE_HINT);
	code = event_code(range) ? : syscall_code(range) ? : stack_code_once(range, seq);
	return BIT_ULL(code);
}
