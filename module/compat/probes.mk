# SPDX-License-Identifier: GPL-2.0-only
# What the kernel that is built for has. Distributions backport, so features are
# looked for in its headers and no version is compared. compat.h uses the result.

# One sentence, in place of a hundred errors. `make clean` knows no configuration.
ifdef CONFIG_MODULES
ifeq ($(CONFIG_MMU_NOTIFIER),)
$(error pinwatch needs CONFIG_MMU_NOTIFIER, and this kernel is configured without it)
endif
ifeq ($(shell grep -sw -m1 MMU_NOTIFY_MIGRATE $(srctree)/include/linux/mmu_notifier.h),)
$(error pinwatch needs Linux 5.10 or newer: this kernel has no MMU_NOTIFY_MIGRATE)
endif
# A group of netlink that anybody may join would tell anybody. Stable kernels have what
# keeps them out since 5.10.204, 5.15.143, 6.1.68 and 6.6.7.
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
PW_PROBES += $(call pw-probe,GENL_INFO_DUMP,../net/genetlink.h,genl_info_dump)

# What every file is compiled with, here and in a module that uses pinwatch.h. Such a
# module's Kbuild sets PW_SRC to this module's directory, and includes this file.
PW_CCFLAGS = -I$(PW_SRC) -I$(PW_SRC)/../uapi -include $(PW_SRC)/compat/compat.h $(PW_PROBES)
