# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced after lib.sh by the checkers that need a kernel's headers or scripts.

# linux_scripts: print the directory of the kernel's scripts/ (checkpatch,
# kernel-doc, coccinelle). Only Debian's linux-source has all of them.
linux_scripts() (
	dir=$CACHE/linux-scripts-6.1
	if [ ! -e "$dir/checkpatch.pl" ]; then
		# shellcheck source=../vm/apt.sh
		. "$TOP/scripts/vm/apt.sh"
		locked kernels
	fi
	if [ ! -e "$dir/checkpatch.pl" ]; then
		tmp=$(mktemp -d "$CACHE/.tmp.XXXXXX")
		trap 'rm -rf "$tmp"' EXIT
		# shellcheck disable=SC2046	# a list
		apt_update $(awk '$1 == "6.1" { gsub(",", " ", $2); print $2 }' "$TOP/scripts/vm/kernels.list")
		note "downloading linux-source-6.1 for its scripts (140 MB, kept: 6 MB)"
		cd "$tmp" || exit
		fetch linux-source-6.1
		dpkg-deb --fsys-tarfile ./*.deb | tar -xO ./usr/src/linux-source-6.1.tar.xz |
			tar -xJ --strip-components=1 --wildcards '*/scripts/*'
		mv scripts "$dir"
	fi
	echo "$dir"
)

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
