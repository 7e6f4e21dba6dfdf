# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced after guests.sh by what tests real drivers that pinwatch-bind bound.

# odp_module DIRECTORY: which of the stock modules there subscribes for on-demand paging; nothing
# if rdma_rxe has none (before 6.15).
odp_module() {
	local name
	nm -u "$1/rdma_rxe.ko" >"$TMP/undefined" || return
	grep ' ib_umem_odp_get$' "$TMP/undefined" >/dev/null || return 0
	for name in ib_core ib_uverbs; do
		nm -u "$1/$name.ko" >"$TMP/undefined" || return
		! grep ' mmu_interval_notifier_insert' "$TMP/undefined" >/dev/null || echo "$name"
	done
}

# odp OUT KERNEL DIRECTORY [ARGUMENT...]: the tests of on-demand paging over software RDMA with a
# bound module, and with the stock one from DIRECTORY. build/KERNEL has pinwatch.ko.
odp() {
	local programs module tests="odp ${*:4}"
	module=$(odp_module "$3")
	programs=$(scripts/build drivers)
	# shellcheck disable=SC2034	# boot() does
	EACH_PROGRAM=(sh /drivers.guest)
	boot "$1" --kernel "$2" --timeout 300 --nodes 2 \
		--bind "$module" --stock ib_uverbs --stock rdma_rxe --stock dummy \
		--add "$programs/odp" --add "$CHECKS/drivers.guest:/drivers.guest" \
		--add "$3/$module.ko:/lib/control/" -- "${tests% } pinwatch" "${tests% } kernel"
}

# For break_*: unmodified drivers subscribe to a range that no invalidation hits.
wrong_range() {
	sed -i '/pw_sub_insert_flags(/s/ start, length/ start ^ (1UL << 60), length/' module/dropin/dropin.c
	! git diff --quiet -- module/dropin
}

# For break_*: callbacks are counted, but do not run.
no_callbacks() {
	sed -i 's/sub->ops->invalidate(sub, [^,]*, \([^)]*\))/(sub \&\& \1 < ~0UL)/' module/core/*.c
	! git diff --quiet -- module/core && ! git grep -n 'ops->invalidate(' -- 'module/core/*.c' >&2
}
