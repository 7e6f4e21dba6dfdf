# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced by the scripts: where things are, and how they speak.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CACHE=${PINWATCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pinwatch}
export TOP CACHE
# A checkout that is another user's: root has become who runs this.
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0=$TOP

# Progress and errors go to stderr: stdout carries a script's result.
note() { echo "${0##*/}: $*" >&2; }
die() { note "error: $*"; exit 1; }

# need COMMAND...: stop unless all of them are installed.
need() {
	local cmd
	for cmd; do
		command -v "$cmd" >/dev/null ||
			die "$cmd is not installed; run scripts/setup first"
	done
}

# quiet LOG COMMAND...: run it with its output in LOG, shown if it fails.
quiet() {
	local log=$1 status=0
	shift
	"$@" >"$log" 2>&1 || status=$?
	[ "$status" -eq 0 ] || { tail -n 40 "$log" >&2; note "failed ($status): $*"; }
	return "$status"
}

# locked NAME: hold the cache's lock NAME until this shell ends, so that two
# runs side by side do not fetch or unpack the same thing twice.
locked() {
	mkdir -p "$CACHE"
	exec 9>"$CACHE/.lock-$1"
	flock -n 9 || { note "waiting for another run ($1)"; flock 9; }
}
