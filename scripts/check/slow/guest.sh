# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced by those in slow/ that are one long run of one program in a guest.
# shellcheck source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

KERNELS=(6.1 newest)

in_guest() { # KERNEL OPTION... -- COMMAND...
	scripts/build user >/dev/null && scripts/build "$1" >/dev/null && scripts/vm/run --kernel "$@"
}

# long NAME OPTION... -- COMMAND...: on each kernel. What it measured is shown, passed
# or not: the lines of its own that begin with "#".
long() {
	local name=$1 kernel
	shift
	for kernel in "${KERNELS[@]}"; do
		passes "$name, $kernel" in_guest "$kernel" "$@"
		grep -E '^ *# ' "$TMP/said" | sed 's/^ */# /; s/^# # /# /' || true
	done
}
