# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced after lib.sh by the lint checkers, which skip a file that the same tool found
# clean before in the same state: with the same content, the same content of every file
# that it includes, and by the same checker. PINWATCH_LINT=all skips none.

CLEAN=$CACHE/clean/$SELF

# clean_begin TEXT...: @TEXT (versions, options), or another text of the checker, voids
# the memory of every file.
clean_begin() {
	CLEAN_BASE=$({ echo "$*"; cat "$CHECKS/$SELF" "$CHECKS"/*.sh; } | sha256sum)
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

# includes_of OBJECT.cmd: the source of an object of build/6.1, and what that includes of
# our own; of the kernel's headers, the release is in clean_begin's text.
includes_of() {
	local source=${1%.o.cmd}
	source=${source%/*}/${source##*/.}.c
	{
		echo "$source"
		sed -n '/^deps_/,$p' "$1" | grep -oE "$TOP/[^ ]+\.h" || true
	} | xargs realpath --relative-to "$TOP" | sort -u
}
