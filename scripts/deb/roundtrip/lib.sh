# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced by the scripts that run in the guest.

# step TEXT COMMAND...: print the output of COMMAND, then "ok", or "not ok" and exit.
step() {
	local text=$1
	shift
	("$@") 2>&1 || { echo "not ok - $text"; exit 1; }
	echo "ok - $text"
}

# nothing COMMAND...: succeed if COMMAND prints nothing.
nothing() {
	local said
	said=$("$@" 2>&1) || true
	[ -z "$said" ] || { echo "$said"; return 1; }
}

# fails COMMAND...: succeed if COMMAND fails.
fails() { ! "$@"; }
