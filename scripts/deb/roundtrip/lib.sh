# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced by the scripts of the round trip.

# step TEXT COMMAND...: an "ok" or "not ok" line, after what the command printed.
step() {
	local text=$1
	shift
	if ("$@") 2>&1; then echo "ok - $text"; else echo "not ok - $text"; fi
}

# nothing COMMAND...: it must print nothing.
nothing() {
	local said
	said=$("$@" 2>&1) || true
	[ -z "$said" ] || { echo "$said"; return 1; }
}

# fails COMMAND...: it must fail.
fails() { ! "$@"; }

# version_of DIRECTORY: of the packages in it.
version_of() { basename "$1"/pinwatch-dkms_*_all.deb | cut -d_ -f2; }

apt_install() { quiet /tmp/log apt-get install -y --no-install-recommends "$@"; }
