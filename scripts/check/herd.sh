# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced after lib.sh: herd7, with the memory model of the kernel. Only Debian sid has
# herd7, which needs a newer C library than Debian 12 has. So herd7 and its libraries are
# unpacked into the cache, and started through the loader among them.

# shellcheck source=kernel.sh
. "$CHECKS/kernel.sh"

# herd7_unpack DIR: herd7 of sid, with the libraries that its package depends on.
herd7_unpack() {
	local needed
	# shellcheck source=../vm/apt.sh
	. "$TOP/scripts/vm/apt.sh"
	apt_update sid
	note "downloading herdtools7 of sid and its libraries (40 MB, kept: 25 MB)"
	mkdir "$1/debs" "$1/root"
	cd "$1/debs" || return
	fetch herdtools7
	mapfile -t needed < <(dpkg-deb -f herdtools7_*.deb Depends | tr , '\n' | awk '{ print $1 }')
	dpkg-deb --fsys-tarfile herdtools7_*.deb |
		tar -x -C "$1/root" --wildcards ./usr/bin/herd7 './usr/share/herdtools7/herd/*'
	rm herdtools7_*.deb
	fetch "${needed[@]}"
	find . -name '*.deb' -exec dpkg-deb -x {} "$1/root" \;
	rm -rf "$1/root/usr/share/doc" "$1/root"/usr/lib/*/gconv
}

# herd7_start ROOT ARGUMENT...
herd7_start() {
	local libraries=$1/usr/lib/x86_64-linux-gnu
	"$libraries/ld-linux-x86-64.so.2" --library-path "$libraries" "$1/usr/bin/herd7" \
		-set-libdir "$1/usr/share/herdtools7/herd" "${@:2}"
}

# herd7_root: print the directory with herd7 in it, made once.
herd7_root() (
	root=$CACHE/herd7
	if [ ! -e "$root/usr/bin/herd7" ]; then
		locked kernels
	fi
	if [ ! -e "$root/usr/bin/herd7" ]; then
		tmp=$(mktemp -d "$CACHE/.tmp.XXXXXX")
		trap 'rm -rf "$tmp"' EXIT
		herd7_unpack "$tmp"
		herd7_start "$tmp/root" -version >&2 || die "herd7 of sid does not start here"
		mv "$tmp/root" "$root"
	fi
	echo "$root"
)

# herd7 FILE...: run litmus tests, with absolute paths, under the kernel's memory model.
herd7() (
	root=$(herd7_root)
	model=$(linux_memory_model)
	cd "$model" || exit
	herd7_start "$root" -conf linux-kernel.cfg "$@"
)
