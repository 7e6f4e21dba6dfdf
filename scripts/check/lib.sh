# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced by every checker. A checker defines
#
#	check		prints a TAP line for each thing it looks at
#	break_NAME	any number: breaks the copy of the tree that it is started in,
#			and prints an extended regular expression: what the checker
#			must say of it
#
# and ends with `check_main "$@"`. It runs from the top of the tree, with a
# directory $TMP that is removed afterwards. The comment at its head is its help.

# Not followed: the path is another one for scripts in slow/.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

export CHECKS=$TOP/scripts/check
# The same sources are compiled in many copies of the tree: ccache knows them by their content.
export PATH=/usr/lib/ccache:$PATH CCACHE_DIR=$CACHE/ccache CCACHE_NOHASHDIR=1 CCACHE_BASEDIR=${TMPDIR:-/tmp}
# Those in slow/ are not part of `make check`, but of `make check-slow`.
SELF=${0##*/}
DIR=$(realpath --relative-to="$TOP" "$(dirname "$0")")
TMP=$(mktemp -d)
trap 'rm -rf "$TMP"' EXIT
nr_lines=0 nr_failed=0

ok() { echo "ok $((++nr_lines)) - $*"; }
skip() { echo "ok $((++nr_lines)) - $1 # SKIP $2"; }

# not_ok NAME <DIAGNOSTICS. Not behind a pipe: it would count in a subshell.
not_ok() {
	echo "not ok $((++nr_lines)) - $*"
	nr_failed=$((nr_failed + 1))
	sed 's/^/# /' | awk 'NR <= 60 { print } END { if (NR > 60) print "# ... and", NR - 60, "lines more" }'
}

# silent NAME COMMAND...: ok if the command succeeds and says nothing. A function
# runs without `set -e`: its last command decides, and what it prints.
silent() {
	local name=$1 status=0
	shift
	"$@" >"$TMP/said" 2>&1 || status=$?
	if [ "$status" -eq 0 ] && [ ! -s "$TMP/said" ]; then
		ok "$name"
	else
		[ "$status" -eq 0 ] || echo "exit status $status: $*" >>"$TMP/said"
		not_ok "$name" <"$TMP/said"
	fi
}

# passes NAME COMMAND...: ok if the command succeeds; its output is shown if not.
passes() {
	local name=$1 status=0
	shift
	"$@" >"$TMP/said" 2>&1 || status=$?
	if [ "$status" -eq 0 ]; then
		ok "$name"
	else
		echo "exit status $status: $*" >>"$TMP/said"
		not_ok "$name" < <(tail -n 50 "$TMP/said")
	fi
}

# tool COMMAND PACKAGE: end with a failure that names the Debian package if the
# command is not there.
tool() {
	command -v "$1" >/dev/null && return
	not_ok "$1 is installed" <<<"$1 is missing: install the Debian package $2 (scripts/setup does)"
	finish || exit
}

# as COMMAND...: its output is the TAP, plan and all, and its status the verdict.
as() {
	local status=0
	"$@" || status=$?
	exit "$status"
}

finish() {
	echo "1..$nr_lines"
	[ "$nr_failed" -eq 0 ]
}

# files PATHSPEC...: the files of the tree, new ones too, without what git ignores.
files() {
	git ls-files -co --exclude-standard --deduplicate -- "$@" | while read -r file; do
		[ ! -f "$file" ] || echo "$file"
	done
}

# copy_tree DIR: the files of the tree, as a repository of its own.
copy_tree() {
	mkdir -p "$1"
	files . | tar -c -T - | tar -x -C "$1"
	git -C "$1" init -q
	git -C "$1" add -A
	git -C "$1" -c user.name=check -c user.email=check@localhost commit -qm copy
}

# self_test NAME...: each must make the checker fail, and say so.
self_test() {
	local break want copy
	for break; do
		copy=$TMP/$break
		copy_tree "$copy"
		if ! want=$(cd "$copy" && "$break") || [ -z "$want" ]; then
			not_ok "$SELF fails: ${break#break_}" <<<"the tree could not be broken"
			continue
		fi
		git -C "$copy" add -A
		if (cd "$copy" && "$DIR/$SELF") >"$TMP/out" 2>"$TMP/err"; then
			not_ok "$SELF fails: ${break#break_}" <<<"it passed"
		elif ! grep '^not ok' "$TMP/out" >/dev/null || ! grep -E -- "$want" "$TMP/out" >/dev/null; then
			not_ok "$SELF fails: ${break#break_}" < <(
				echo "it failed without saying '$want':"
				cat "$TMP/out" "$TMP/err")
		else
			ok "$SELF fails: ${break#break_}"
		fi
		rm -rf "$copy"
	done
}

usage() {
	awk 'NR > 2 && !/^#/ { exit } NR > 2 { sub(/^# ?/, ""); print }' "$TOP/$DIR/$SELF"
	cat <<-USAGE

		usage: $DIR/$SELF [--self-test]
		Prints TAP and fails if any line is not ok. With --self-test it runs on copies
		that are broken on purpose, and succeeds only if it fails on each.
	USAGE
}

check_main() {
	cd "$TOP" || exit
	case ${1:-} in
	'') check ;;
	--self-test)
		mapfile -t breaks < <(compgen -A function break_)
		[ ${#breaks[@]} -gt 0 ] || die "$SELF has no self-test: it is a test"
		self_test "${breaks[@]}" ;;
	--help) usage; exit ;;
	*) usage >&2; exit 2 ;;
	esac
	finish
}
