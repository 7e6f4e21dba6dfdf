# SPDX-License-Identifier: GPL-2.0-only
# pinwatch: `make` builds, `make help` says what else there is.

# The kernel to build the module for: its build directory.
KDIR ?= /lib/modules/$(shell uname -r)/build
# The stock kernel to boot: see scripts/vm/kernels.list.
KERNEL ?= 6.1

PREFIX ?= /usr/local
MAN := $(notdir $(wildcard testdrv/man/*.[1-8]))

all: module user	## build the module (KDIR=, or the running kernel) and user space, in place

module:	## the module only
	@[ -e $(KDIR)/Makefile ] || { echo "no kernel headers in $(KDIR):" \
		"install linux-headers-$$(uname -r), or say KDIR= (or 'make user')" >&2; exit 1; }
	$(MAKE) -C $(KDIR) M=$(CURDIR)/module modules

user:	## the library and the tool only
	$(MAKE) -C testdrv

demo:	## boot a stock kernel (KERNEL=6.1) and see it; sudo make demo HOST=1: this one
	@scripts/demo $(if $(HOST),--host,$(KERNEL))

check:	## all tests: under 15 minutes when the cache is warm
	@scripts/check-all

check-quick:	## the checkers and the unit tests, without booting anything
	@scripts/check-all --quick

bench:	## instruction counts beside the kernel's own notifier (KERNEL=6.1)
	@scripts/setup demo
	@scripts/bench $(KERNEL)

install: user	## the tool and the library, to DESTDIR and PREFIX=/usr/local; for the module see dkms.conf
	install -D -m 755 testdrv/cli/pinwatch $(DESTDIR)$(PREFIX)/bin/pinwatch
	install -D -m 644 testdrv/lib/libpinwatch.a $(DESTDIR)$(PREFIX)/lib/libpinwatch.a
	install -D -m 755 testdrv/lib/libpinwatch.so.0 $(DESTDIR)$(PREFIX)/lib/libpinwatch.so.0
	ln -sf libpinwatch.so.0 $(DESTDIR)$(PREFIX)/lib/libpinwatch.so
	install -D -m 644 testdrv/lib/libpinwatch.h $(DESTDIR)$(PREFIX)/include/libpinwatch.h
	install -D -m 644 testdrv/lib/pinwatch_cache.h $(DESTDIR)$(PREFIX)/include/pinwatch_cache.h
	install -D -m 644 uapi/linux/pinwatch.h $(DESTDIR)$(PREFIX)/include/linux/pinwatch.h
	for page in $(MAN); do install -D -m 644 testdrv/man/$$page \
		$(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$$page || exit; done

uninstall:	## what install put there
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/,bin/pinwatch lib/libpinwatch.a lib/libpinwatch.so.0 \
		lib/libpinwatch.so include/libpinwatch.h include/pinwatch_cache.h include/linux/pinwatch.h \
		$(foreach page,$(MAN),share/man/man$(subst .,,$(suffix $(page)))/$(page)))

clean:	## what a build made, here and in build/; the cache of kernels stays
	rm -rf build
	$(MAKE) -C testdrv clean
	[ ! -e testdrv/unit/Makefile ] || $(MAKE) -C testdrv/unit clean
	find module -name '*.o' -o -name '*.ko' -o -name '*.mod' -o -name '*.mod.c' -o -name '.*.cmd' \
		-o -name modules.order -o -name Module.symvers -o -name '.module-common.o' -o -name '.*.o.d' | xargs rm -f

help:
	@echo 'usage: make [TARGET]'
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' Makefile | while IFS='|' read -r target text; do \
		printf '  %-12s %s\n' "$$target" "$$text"; done

.PHONY: all module user demo check check-quick bench install uninstall clean help
