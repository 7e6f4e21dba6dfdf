# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced after lib.sh by the lint checkers, which skip a file that the same tool found
# clean before in the same state: with the same content, the same content of every file
# that it includes, and by the same checker. PINWATCH_LINT=all skips none.

CLEAN=$CACHE/clean/$SELF

# clean_begin TEXT...: @TEXT (versions, options), or another text of the checker or of a
# library that it sources, voids the memory of every file.
clean_begin() {
	CLEAN_BASE=$({ echo "$*"; cat "$CHECKS/$SELF" "$CHECKS"/{lib,kernel,clean}.sh; } | sha256sum)
	mkdir -p "$CLEAN"
	find "$CLEAN" -type f -mtime +30 -delete
	export CLEAN CLEAN_BASE
	export -f clean_key clean_before clean_now
}

# clean_key FILE...: the key of a file with all that it includes, from the top of the tree.
clean_key() { { echo "$CLEAN_BASE"; sha256sum -- "$@"; } | sha256sum | cut -d' ' -f1; }

# clean_before KEY: was it clean?
clean_before() { [[ ${PINWATCH_LINT:-} != all && -e $CLEAN/$1 ]] && touch "$CLEAN/$1"; }

# clean_now KEY: it is.
clean_now() { : >"$CLEAN/$1"; }

# unclean: for each line "FILE INCLUDED..." print "KEY FILE", unless it was clean.
unclean() {
	local file included key
	while read -r file included; do
		# shellcheck disable=SC2086	# a list
		key=$(clean_key "$file" $included)
		clean_before "$key" || echo "$key $file"
	done
}

# built_sources: "FILE INCLUDED..." for each object in build/6.1, of both modules. INCLUDED
# are our own files. The checker passes the kernel's release to clean_begin, which stands
# for the kernel's headers.
built_sources() {
	local cmd file
	for cmd in build/6.1/{module{,/*},testdrv/tests/module{,/*},testdrv/examples/drivers}/.*.o.cmd; do
		file=${cmd%/.*}/$(basename "${cmd##*/.}" .o.cmd).c
		[[ -f $file && $file != *.mod.c ]] || continue
		echo "$file" "$(sed -n '/^deps_/,$p' "$cmd" | grep -oP "$TOP/\K[^ ]+\.h" | sort -u | paste -sd' ')"
	done
}

# built_flags FILE: the flags that FILE was compiled with, one a line, except those that
# only gcc knows.
built_flags() {
	sed -n '1s/^[^=]*:= *//p' "$(dirname "$1")/.$(basename "$1" .c).o.cmd" | xargs -n1 | awk '
		/^-(include|isystem)$/ { print; getline; print; next }
		/^-([IDU]|std=|nostdinc|ffreestanding|fshort-wchar|fno-strict-aliasing|fno-builtin|funsigned-char|mcmodel=|m64)/'
}
