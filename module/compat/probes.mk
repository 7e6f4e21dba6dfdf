# SPDX-License-Identifier: GPL-2.0-only
# Features of the kernel that the module is built for. Distributions backport features,
# so each is searched for in the headers, and no version is compared. The files in
# compat/ use the result.

# Print one error and stop. `make clean` runs without a configuration.
ifdef CONFIG_MODULES
ifeq ($(CONFIG_MMU_NOTIFIER),)
$(error pinwatch needs CONFIG_MMU_NOTIFIER, and this kernel is configured without it)
endif
ifeq ($(shell grep -sw -m1 MMU_NOTIFY_MIGRATE $(srctree)/include/linux/mmu_notifier.h),)
$(error pinwatch needs Linux 5.10 or newer: this kernel has no MMU_NOTIFY_MIGRATE)
endif
# The events must not be readable without a capability. Stable kernels can require a
# capability to join a multicast group since 5.10.204, 5.15.143, 6.1.68 and 6.6.7.
ifeq ($(shell grep -sEw -m1 'cap_sys_admin|GENL_MCAST_CAP_SYS_ADMIN' $(srctree)/include/net/genetlink.h),)
$(error pinwatch needs groups of generic netlink that take a capability, which this kernel lacks: upgrade it)
endif
endif

# $(call pw-probe,NAME,HEADER,WORD): -DPW_HAVE_NAME if the header has the word
pw-probe = $(if $(shell grep -sw -m1 $(3) $(srctree)/include/linux/$(2)),-DPW_HAVE_$(1))

PW_PROBES := $(call pw-probe,VM_FLAGS_SET,mm.h,vm_flags_set)
PW_PROBES += $(call pw-probe,VMA_SET_FILE,mm.h,vma_set_file)
PW_PROBES += $(call pw-probe,MIGRATE_PGMAP_OWNER,mmu_notifier.h,migrate_pgmap_owner)
PW_PROBES += $(call pw-probe,INVALIDATE_START,mmu_notifier.h,invalidate_start)
PW_PROBES += $(call pw-probe,HMM_UNLOCKED,hmm.h,hmm_range_fault_unlocked_timeout)
PW_PROBES += $(call pw-probe,MIGRATE_MISPLACED_THP,migrate.h,migrate_misplaced_transhuge_page)
PW_PROBES += $(call pw-probe,GENL_INFO_DUMP,../net/genetlink.h,genl_info_dump)

# Flags for every file, here and in a module that uses pinwatch.h. The Kbuild of such a
# module sets PW_SRC to the directory of this module, and includes this file.
PW_CCFLAGS = -I$(PW_SRC) -I$(PW_SRC)/../uapi -include $(PW_SRC)/compat/compat.h $(PW_PROBES)
