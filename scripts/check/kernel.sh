# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced after lib.sh by the checkers that need a kernel's headers or scripts.

# linux_part NAME FILE: print the directory NAME of the kernel's source, which contains FILE.
# Only Debian's linux-source has all of it. One download serves all parts.
linux_part() (
	dir=$CACHE/linux-$1-6.1
	if [ ! -e "$dir/$2" ]; then
		# shellcheck source=../vm/apt.sh
		. "$TOP/scripts/vm/apt.sh"
		locked kernels
	fi
	if [ ! -e "$dir/$2" ]; then
		tmp=$(mktemp -d "$CACHE/.tmp.XXXXXX")
		trap 'rm -rf "$tmp"' EXIT
		# shellcheck disable=SC2046	# a list
		apt_update $(awk '$1 == "6.1" { gsub(",", " ", $2); print $2 }' "$TOP/scripts/vm/kernels.list")
		note "downloading linux-source-6.1 for its scripts and its memory model (140 MB, kept: 7 MB)"
		cd "$tmp" || exit
		fetch linux-source-6.1
		dpkg-deb --fsys-tarfile ./*.deb | tar -xO ./usr/src/linux-source-6.1.tar.xz |
			tar -xJ --strip-components=1 --wildcards '*/scripts/*' '*/tools/memory-model/*'
		for part in scripts tools/memory-model; do
			[ -d "$CACHE/linux-${part##*/}-6.1" ] || mv "$part" "$CACHE/linux-${part##*/}-6.1"
		done
	fi
	echo "$dir"
)

# linux_scripts: the directory with checkpatch, kernel-doc, coccinelle.
linux_scripts() { linux_part scripts checkpatch.pl; }

# linux_memory_model: the directory with the configuration of herd7.
linux_memory_model() { linux_part memory-model linux-kernel.cfg; }

# tiny_module [<CODE]: for break_*: a module of one file, to be built in no time.
tiny_module() {
	rm -rf module testdrv/{tests/module,examples/drivers}/{Kbuild,*.c}
	mkdir module
	echo 'obj-m := pinwatch.o' >module/Kbuild
	{
		echo '// SPDX-License-''Identifier: GPL-2.0-only'
		echo '#include <linux/module.h>'
		cat
		echo 'MODULE_LICENSE("GPL");'
		echo 'MODULE_DESCRIPTION("broken");'
	} >module/pinwatch.c
}
