# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced by scripts/vm/dropin after lib.sh: the drivers' sources, and how they are built.

# shellcheck source=apt.sh
. "$TOP/scripts/vm/apt.sh"

LIST=$TOP/scripts/vm/dropin.list

# rows KERNEL: its lines of the list.
rows() { awk -v k="$1" '$1 == k' "$LIST"; }

# unpacked KERNEL DIR: is there all that the list names?
unpacked() {
	local dir file
	while read -r _ _ dir file _; do
		[ -e "$2/$dir/$file" ] || return
	done < <(rows "$1")
}

# drivers KERNEL RELEASE: the directory with the drivers' sources, unpacked once.
drivers() (
	series=$(grep -oE '^[0-9]+\.[0-9]+' <<<"$2")
	dir=$CACHE/linux-drivers-$series
	! unpacked "$1" "$dir" || { echo "$dir"; exit; }
	locked kernels
	tmp=$(mktemp -d "$CACHE/.tmp.XXXXXX")
	trap 'rm -rf "$tmp"' EXIT
	# shellcheck disable=SC2046	# a list
	apt_update $(awk -v k="$1" '$1 == k { gsub(",", " ", $2); print $2 }' "$TOP/scripts/vm/kernels.list")
	note "downloading linux-source-$series for its drivers (150 MB, kept: 110 MB at most)"
	mkdir "$tmp/deb" "$tmp/tree"
	cd "$tmp/deb" || exit
	fetch "linux-source-$series"
	rows "$1" | awk '{ sub(/\.c$/, "", $4); print "*/" $3 "/" ($5 == "-" ? $4 "*" : "*") }' |
		sort -u >"$tmp/wanted"
	dpkg-deb --fsys-tarfile ./*.deb | tar -xO --wildcards './usr/src/linux-source-*.tar.xz' |
		tar -xJ -C "$tmp/tree" --strip-components=1 --exclude='*/asic_reg/*' --wildcards \
			-T "$tmp/wanted" || die "linux-source-$series lacks something of scripts/vm/dropin.list"
	rm -rf "$dir"
	mv "$tmp/tree" "$dir"
	echo "$dir"
)

# flags SOURCES DIRECTORY FILE INCLUDE: what the driver's Makefile would say.
flags() {
	local word
	printf '%s' "-I$1/$2/$(dirname "$3")"
	for word in ${4//,/ }; do
		case $word in
		-) ;;
		CONFIG_*) printf ' -D%s=1' "$word" ;;
		*) printf ' -I%s/%s/%s' "$1" "$2" "$word" ;;
		esac
	done
}

# kbuild KERNEL DIR ARGUMENT...: make there, with the kernel's headers.
kbuild() {
	local kernel suite gcc run=()
	kernel=$("$TOP/scripts/vm/kernel" --headers "$1")
	read -r suite <"$kernel/root"
	if [ "$suite" != host ]; then
		gcc=$(sed -n 's/^CC = .*\(gcc-[0-9]*\)$/\1/p' "$kernel/headers/.kernelvariables")
		run=("$TOP/scripts/vm/root" "$suite" "$gcc,make,binutils,libelf1t64,libssl3t64,pahole")
	fi
	"${run[@]}" make -C "$kernel/headers" "M=$2" CONFIG_DEBUG_INFO_BTF_MODULES= "-j$(nproc)" "${@:3}"
}

# object NAME SOURCE FLAGS: one more object in the Kbuild of the current directory.
object() {
	ln -sfn "$2" "$1.c"
	printf 'obj-m += %s.o\nCFLAGS_%s.o := %s\n' "$1" "$1" "$3" >>Kbuild
	objects+=("$1.o")
}
