#!/bin/sh
# SPDX-License-Identifier: MIT
# Show which programs invalidate watched memory, with cause and kernel stack. Records each
# hit in the whole system by perf, while COMMAND runs or for 10 seconds. Prints a line for
# each hit, and then the stacks by program.
# usage: perf-pinwatch.sh [COMMAND...]	(root; Debian's package linux-perf)
set -eu

case ${1:-} in
-h | --help)
	sed -n 's/^# usage: /usage: /p' "$0"
	exit 0 ;;
esac
[ -d /sys/module/pinwatch ] || { echo "the module pinwatch is not loaded" >&2; exit 1; }
[ $# -gt 0 ] || set -- sleep 10

data=$(mktemp)
trap 'rm -f "$data"' EXIT
perf record -q -a -g -e pinwatch:pinwatch_hit -o "$data" -- "$@"
perf script -i "$data" -G -F trace:comm,tid,time,trace
perf report -q -i "$data" --stdio --stdio-color never --no-children -s comm -g caller,0.5,callee --max-stack 12
