# SPDX-License-Identifier: GPL-2.0-only
# pinwatch: `make` builds, `make help` says what else there is.

# The kernel to build the module for: its build directory.
KDIR ?= /lib/modules/$(shell uname -r)/build
# The stock kernel to boot: see scripts/vm/kernels.list.
KERNEL ?= 6.1

# How long to fuzz.
FUZZ_SECONDS ?= 600

# How long to torture, and what: see scripts/vm/torture.
MINUTES ?= 30
FLAVOUR ?= pinwatch pinwatch_plain delayed delayed_plain

PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
MAN := $(notdir $(wildcard testdrv/man/*.[1-8]))
VERSION := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)

# What is installed as it is: FILE:PATH
DATA = testdrv/lib/libpinwatch.a:$(LIBDIR)/libpinwatch.a \
	testdrv/lib/libpinwatch.so.1:$(LIBDIR)/libpinwatch.so.1 \
	testdrv/fabric/libpinwatch-fi.so:$(LIBDIR)/libfabric/libpinwatch-fi.so \
	testdrv/fabric/libpinwatch-mr.so:$(LIBDIR)/pinwatch/libpinwatch-mr.so \
	testdrv/fabric/libpinwatch-ucx.so:$(LIBDIR)/pinwatch/libpinwatch-ucx.so \
	testdrv/lib/libpinwatch.h:$(PREFIX)/include/libpinwatch.h \
	testdrv/lib/pinwatch_cache.h:$(PREFIX)/include/pinwatch_cache.h \
	uapi/linux/pinwatch.h:$(PREFIX)/include/linux/pinwatch.h \
	uapi/linux/pinwatch_netlink.h:$(PREFIX)/include/linux/pinwatch_netlink.h \
	testdrv/tool/pinwatch.bash-completion:$(PREFIX)/share/bash-completion/completions/pinwatch \
	testdrv/tool/pinwatch.bash-completion:$(PREFIX)/share/bash-completion/completions/pinwatch-demo \
	scripts/deb/60-pinwatch.rules:$(PREFIX)/lib/udev/rules.d/60-pinwatch.rules \
	$(foreach page,$(MAN),testdrv/man/$(page):$(PREFIX)/share/man/man$(subst .,,$(suffix $(page)))/$(page))

# Without the headers of RDMA libraries, testdrv/Makefile does not build testdrv/fabric.
LEFT_OUT = case $$pair in testdrv/fabric/*) [ ! -e $${pair%%:*} ] && echo "not built: $${pair%%:*}" ;; *) false ;; esac

# The loader's list of libraries, when it is this system's.
LDCONFIG = [ -n "$(DESTDIR)" ] || [ "$$(id -u)" -ne 0 ] || PATH=$$PATH:/sbin ldconfig

# The module's source for DKMS.
DKMS = /usr/src/pinwatch-$(VERSION)
SOURCES = dkms.conf $(filter-out %.mod.c,$(shell find module uapi -name '*.[ch]' -o -name Kbuild -o -name '*.mk'))

all: module user	## build the module (KDIR=, or the running kernel) and user space, in place

module:	## the module only
	@[ -e $(KDIR)/Makefile ] || { echo "no kernel headers in $(KDIR):" \
		"install linux-headers-$$(uname -r), or say KDIR= (or 'make user')" >&2; exit 1; }
	$(MAKE) -C $(KDIR) M=$(CURDIR)/module modules

user:	## the library, the tool and the demonstration only
	$(MAKE) -C testdrv

demo:	## boot a stock kernel (KERNEL=6.1) and see it; sudo make demo HOST=1: this one
	@scripts/vm/demo $(if $(HOST),--host,$(KERNEL))

demo-mpi:	## Debian's Open MPI over software RDMA in a guest, as it comes and with pinwatch (KERNEL=6.1)
	@scripts/vm/demo-mpi $(KERNEL)

demo-drivers:	## what the devices of driver models read while memory changes (KERNEL=6.1)
	@scripts/vm/demo-drivers $(KERNEL)

check:	## the tests: 15 minutes on two cores when the cache is warm
	@scripts/check-all

check-quick:	## the checkers and the unit tests, without booting anything
	@scripts/check-all --quick

check-checkers:	## the tests of the checkers: each fails on a tree that was broken on purpose
	@scripts/check-all --checkers

lint:	## the lint tools over every file, clean before or not
	@scripts/check-all --lint

bench:	## instruction counts beside the kernel's own notifier, with PLOT=1 drawn as SVG (KERNEL=6.1)
	@scripts/setup demo
	@[ -z "$(PLOT)" ] || scripts/setup plot
	@PLOT=$(PLOT) scripts/vm/bench $(KERNEL)

bench-native:	## the same two engines in ticks of this CPU, as modules of a User-Mode Linux, built once
	@scripts/setup bench-native
	@scripts/vm/bench-native

bench-fabric:	## what libfabric's cache costs without a monitor, with its own and with ours, in a guest (KERNEL=6.1)
	@scripts/setup demo
	@scripts/vm/rxe --kernel $(KERNEL) scripts/vm/bench-fabric.guest --icount

bench-cache:	## ns per hit of the registration cache beside UCX's, on this host (JSON=1)
	@scripts/setup check
	@$(MAKE) -s -C testdrv/tests/bench/cache run

check-slow:	## what takes too long for check: see scripts/TESTING.md
	@scripts/setup check
	@prove -v --timer $(addprefix scripts/check/slow/,demo bind arm64 dropin compat newest gntdev fabric strict mpi mr ucx programs hmm radeon gpusvm differential race million tool spin coverage coverage-device fuzz torture)

fuzz:	## random ioctls by the user nobody, in a guest (FUZZ_SECONDS=600 KERNEL=6.1)
	@scripts/setup demo
	@scripts/build user >/dev/null
	@scripts/build $(KERNEL) >/dev/null
	@scripts/vm/run --kernel $(KERNEL) --parallel --timeout $$(($(FUZZ_SECONDS) + 300)) -- fuzz --seconds $(FUZZ_SECONDS)

torture:	## threads against the engine, in the shape of rcutorture, in a guest (MINUTES=30 KERNEL=6.1 FLAVOUR=)
	@scripts/setup demo
	@scripts/vm/torture --kernel $(KERNEL) --minutes $(MINUTES) --flavours "$(FLAVOUR)"

check-matrix:	## every stock kernel from 5.10 to the newest, through DKMS; an hour, takes root
	@scripts/setup matrix
	@scripts/vm/matrix/run $(KERNELS)

check-debug:	## tests on kernels with KASAN, lockdep, kmemleak, failing allocations and KCSAN (KERNELS=), built once
	@scripts/setup check
	@prove -v --timer -j2 --exec scripts/check/slow/debug \
		$(or $(KERNELS),6.1-kasan newest-kasan newest-kcsan 6.1-kcsan)

check-deb:	## the packages: install, upgrade while busy, remove, purge; takes root
	@scripts/setup matrix
	@scripts/check/slow/deb

deb:	## Debian packages, in build/deb
	@scripts/setup deb
	@scripts/deb/package

install: user	## the tool, the demonstration and the library, to DESTDIR and PREFIX=/usr/local
	install -D -m 755 testdrv/tool/pinwatch $(DESTDIR)$(PREFIX)/bin/pinwatch
	install -D -m 755 testdrv/demo/pinwatch-demo $(DESTDIR)$(PREFIX)/bin/pinwatch-demo
	install -D -m 755 testdrv/bind/pinwatch-bind $(DESTDIR)$(PREFIX)/sbin/pinwatch-bind
	for pair in $(DATA); do $(LEFT_OUT) || install -D -m 644 $${pair%%:*} $(DESTDIR)$${pair#*:} || exit; done
	ln -sf libpinwatch.so.1 $(DESTDIR)$(LIBDIR)/libpinwatch.so
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig
	umask 022; rm -f $(DESTDIR)$(LIBDIR)/pkgconfig/libpinwatch.pc; \
	sed 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|; s|@VERSION@|$(VERSION)|' \
		testdrv/lib/libpinwatch.pc.in >$(DESTDIR)$(LIBDIR)/pkgconfig/libpinwatch.pc
	$(LDCONFIG)

uninstall:	## what install put there
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/bin/,pinwatch pinwatch-demo) $(foreach pair,$(DATA),$(DESTDIR)$(lastword $(subst :, ,$(pair))))
	rm -f $(DESTDIR)$(PREFIX)/sbin/pinwatch-bind
	rm -f $(addprefix $(DESTDIR)$(LIBDIR)/,libpinwatch.so pkgconfig/libpinwatch.pc)
	$(LDCONFIG)

install-dkms:	## the module's source, to where `dkms install pinwatch/VERSION` looks
	for file in $(SOURCES); do install -D -m 644 $$file $(DESTDIR)$(DKMS)/$$file || exit; done
	install -D -m 644 scripts/deb/modules-load.conf $(DESTDIR)$(PREFIX)/lib/modules-load.d/pinwatch.conf

uninstall-dkms:	## what install-dkms put there, and what DKMS built of it
	[ -n "$(DESTDIR)" ] || [ ! -e /var/lib/dkms/pinwatch/$(VERSION) ] || dkms remove -m pinwatch -v $(VERSION) --all
	rm -rf $(DESTDIR)$(DKMS)
	rm -f $(DESTDIR)$(PREFIX)/lib/modules-load.d/pinwatch.conf

clean:	## what a build made, here and in build/; the cache of kernels stays
	rm -rf build
	$(MAKE) -C testdrv clean
	[ ! -e testdrv/tests/unit/Makefile ] || $(MAKE) -C testdrv/tests/unit clean
	find module testdrv/tests/module testdrv/examples/drivers -name '*.o' -o -name '*.ko' -o -name '*.mod' -o -name '*.mod.c' -o -name '.*.cmd' \
		-o -name modules.order -o -name Module.symvers -o -name '.module-common.o' -o -name '.*.o.d' | xargs rm -f

help:
	@echo 'usage: make [TARGET]'
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' Makefile | while IFS='|' read -r target text; do \
		printf '  %-14s %s\n' "$$target" "$$text"; done

.PHONY: all module user demo demo-mpi demo-drivers check check-quick check-checkers lint check-matrix check-slow check-debug check-deb deb bench bench-cache bench-fabric bench-native fuzz torture install uninstall \
	install-dkms uninstall-dkms clean help
