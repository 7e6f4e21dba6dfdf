# SPDX-License-Identifier: MIT
# Tests of libpinwatch-ucx.so on the host, on fake libraries of UCX (fake_ucx.h) and the fake
# device of ../lib:
#
#	make -f ucx.mk check [SEED=N]	build and run, under prove
#
# ../../../scripts/check/ucx runs the same programs.
O	?= ../../../build/ucx
SEED	?=

CFLAGS_all := -std=gnu11 -g -O1 -fno-omit-frame-pointer -pthread -D_GNU_SOURCE -fPIC \
	-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Werror \
	-Wno-missing-field-initializers -I../../../uapi -I../../lib -I../../fabric -I../common -I../lib
CFLAGS_asan := -fsanitize=address,undefined -fno-sanitize-recover=all
CFLAGS_tsan := -fsanitize=thread

# The seams: fake.c replaces lib/ioctl.c and lib/membarrier.c, ucx_test.c pinwatch_open().
library := $(filter-out ioctl.c membarrier.c,$(notdir $(wildcard ../../lib/*.c)))
preload := ucx.c ucx_api.c ucx_watch.c ibverbs.c
objects := $(library:.c=.o) $(preload:.c=.o) fake.o test.o ucx_test.o
headers := $(wildcard *.h ../../lib/*.h ../../fabric/*.h ../common/*.h ../lib/*.h ../../../uapi/linux/*.h)
fakes := libucs.so.0 libucm.so.0 libibverbs.so.1 old/libucs.so.0
programs := $(O)/asan/ucx_test $(O)/tsan/ucx_test
vpath %.c . ../../lib ../../fabric ../common ../lib

all: $(programs)

# libucs brings libucm.
%/libucs.so.0: private FAKE_FLAGS = -Wl,--no-as-needed,-rpath,'$$ORIGIN' $(@D)/libucm.so.0
%/old/libucs.so.0: private FAKE_FLAGS := -DFAKE_OLD
%/libibverbs.so.1: private FAKE_FLAGS := -Wl,--version-script=fake_ibverbs.map

# The symbols of the program come before those of the fakes, as if the program were preloaded.
define build
$(O)/$(1)/%.o: %.c $(headers) ucx.mk
	@mkdir -p $$(@D)
	$$(CC) $$(CFLAGS_all) $$(CFLAGS_$(1)) -c $$< -o $$@
$(O)/$(1)/ucx_test: $(objects:%=$(O)/$(1)/%) $(fakes:%=$(O)/$(1)/%)
	$$(CC) $$(CFLAGS_all) $$(CFLAGS_$(1)) -rdynamic -Wl,--wrap=pinwatch_open \
		$$(filter %.o,$$^) -o $$@
$(O)/$(1)/libucs.so.0 $(O)/$(1)/libucm.so.0 $(O)/$(1)/libibverbs.so.1 $(O)/$(1)/old/libucs.so.0: \
		fake_ucs.c fake_ucm.c fake_ibverbs.c fake_ibverbs.map $(headers) ucx.mk
	@mkdir -p $$(@D)
	$$(CC) $$(CFLAGS_all) -Wno-missing-prototypes $$(CFLAGS_$(1)) -shared \
		-Wl,-soname,$$(@F) $$(FAKE_FLAGS) \
		fake_$$(patsubst lib%,%,$$(firstword $$(subst ., ,$$(@F)))).c -o $$@
$(O)/$(1)/libucs.so.0: $(O)/$(1)/libucm.so.0
endef
$(foreach b,asan tsan,$(eval $(call build,$(b))))

check: all
	prove --exec '' $(foreach p,$(programs),'$(p)$(if $(SEED), --seed $(SEED))')

clean:
	rm -rf $(O)

.PHONY: all check clean
