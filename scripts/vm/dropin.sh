# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced after lib.sh: the sources of drivers of linux-source, and how they are built.

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

# from_source KERNEL RELEASE DIRECTORY <PATTERNS: unpack these files of linux-source there.
from_source() (
	package=linux-source-$(grep -oE '^[0-9]+\.[0-9]+' <<<"$2")
	tmp=$(mktemp -d "$CACHE/.tmp.XXXXXX")
	trap 'rm -rf "$tmp"' EXIT
	mkdir "$tmp/deb" "$tmp/tree"
	sort -u >"$tmp/wanted"
	# shellcheck disable=SC2046	# a list
	apt_update $(awk -v k="$1" '$1 == k { gsub(",", " ", $2); print $2 }' "$TOP/scripts/vm/kernels.list")
	note "downloading $package for ${3##*/} (150 MB, kept: 110 MB at most)"
	cd "$tmp/deb" || exit
	fetch "$package"
	dpkg-deb --fsys-tarfile ./*.deb | tar -xO --wildcards './usr/src/linux-source-*.tar.xz' |
		tar -xJ -C "$tmp/tree" --strip-components=1 --exclude='*/asic_reg/*' --wildcards \
			-T "$tmp/wanted" || die "$package lacks a file for ${3##*/}"
	rm -rf "$3"
	mv "$tmp/tree" "$3"
)

# drivers KERNEL RELEASE: the directory with the drivers' sources, unpacked once.
drivers() (
	dir=$CACHE/linux-drivers-$(grep -oE '^[0-9]+\.[0-9]+' <<<"$2")
	! unpacked "$1" "$dir" || { echo "$dir"; exit; }
	locked kernels
	rows "$1" | awk '{ sub(/\.c$/, "", $4); print "*/" $3 "/" ($5 == "-" ? $4 "*" : "*") }' |
		from_source "$1" "$2" "$dir" || exit
	echo "$dir"
)

# hmm_tests KERNEL RELEASE: the directory with the kernel's hmm-tests, test_hmm and what they
# include, unpacked once.
hmm_tests() (
	dir=$CACHE/linux-hmm-$(grep -oE '^[0-9]+\.[0-9]+' <<<"$2")
	[ ! -e "$dir/lib/test_hmm.c" ] || { echo "$dir"; exit; }
	locked kernels
	printf '*/%s\n' 'lib/test_hmm*' mm/gup_test.h tools/testing/selftests/mm/{hmm-tests,vm_util,hugepage_settings}'*' \
		'tools/testing/selftests/kselftest*' 'tools/include/uapi/linux/*' |
		from_source "$1" "$2" "$dir" || exit
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
