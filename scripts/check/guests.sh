# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced after lib.sh: run test programs in a guest, each judged by prove.

# In the guest: run each program (with its arguments) between two lines that say so. The
# examples print no TAP: their status is their one test.
# shellcheck disable=SC2016
EACH='all=0
for program; do
	echo "@program $program"
	since=$(date +%s)
	case $program in example_*) echo 1..1 ;; esac
	$program
	status=$?
	case $program in example_*)
		if [ $status -eq 0 ]; then echo "ok 1"; else echo "not ok 1 - status $status"; fi ;;
	esac
	echo "@exit $status $(($(date +%s) - since))"
	[ $status -eq 0 ] || all=1
done
exit $all'

# verdicts DIRECTORY STATUS PROGRAM... <OUTPUT: of a guest whose scripts/vm/run ended with
# STATUS; what each program printed goes to DIRECTORY/PROGRAM.tap. prove finds a failed
# test, a plan that is not met and a program without tests. A bad status, or an end that is
# missing, becomes a "Bail out!" for it.
verdicts() {
	local dir=$1 status=$2 program file want=0
	shift 2
	rm -rf "$dir"
	mkdir -p "$dir"
	awk -v dir="$dir" '
		/^@program / {
			name = substr($0, 10)
			gsub(/[^A-Za-z0-9_.-]/, "_", name)
			file = dir "/" name ".tap"
			bad = 0
			printf "" >file
			next
		}
		/^@exit / {
			if ($2 && !bad) print "Bail out! status " $2 " without a failed test" >file
			print $2 >(file ".status")
			print $3 >(file ".seconds")
			file = ""
			next
		}
		file { bad = bad || /^not ok/; print >file }'
	for program; do
		file=$dir/${program//[^A-Za-z0-9_.-]/_}.tap
		[ -e "$file.status" ] || echo "Bail out! no end" >>"$file"
		[ "$(cat "$file.status" 2>/dev/null)" = 0 ] || want=1
		passes "${dir##*/} $program, tests: $(grep -cE '^(not )?ok' "$file" || true), seconds: $(cat "$file.seconds" 2>/dev/null)" \
			prove --failures --comments --exec cat "$file"
		sed -nE 's/^(ok.*# *skip)/# \1/ip' "$file"
	done
	passes "${dir##*/}: the guest booted, came to its end, unloaded the modules" [ "$status" -eq $want ]
}

# What runs the programs in the guest: another command prints the same lines.
EACH_PROGRAM=(sh -c "$EACH" each)

# boot DIRECTORY OPTION... -- PROGRAM...: in one guest, with these options of scripts/vm/run.
boot() {
	local out=$1 options=() status=0
	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	mkdir -p "$out"
	"$TOP/scripts/vm/run" --log "$out.console" "${options[@]}" -- "${EACH_PROGRAM[@]}" "$@" >"$out.out" || status=$?
	verdicts "$out" "$status" "$@" <"$out.out"
}

# For device_memory: memory to take away. Some of what was there at boot may be reserved.
# shellcheck disable=SC2054	# of QEMU
MOVABLE=(--mem 2G,slots=1,maxmem=4G --append memhp_default_state=online_movable
	--qemu "-object memory-backend-ram,id=more,size=512M -device pc-dimm,memdev=more")

# devices: the device tests that need no guest of their own, one a line.
devices() {
	find "$(scripts/build user)" -name 'device_*' ! -name device_memory ! -name device_race ! -name device_register ! -name device_numa ! -name device_nomem -printf '%f\n' | sort
}

# models KERNEL: an option of scripts/vm/run for each driver model.
models() {
	find "build/$1/testdrv/examples/drivers" -name 'pinwatch_*.ko' ! -name pinwatch_model.ko |
		sed 's|.*/pinwatch_\(.*\)\.ko|--module\n\1|'
}

# compat few|all: the device tests that run as 32-bit programs, too, one a line.
compat() {
	printf 'device_%s.32\n' ioctl library map read
	[ "$1" = few ] || printf 'device_%s.32\n' actor attach bind cache errno hits permission repin verify watch
}

# add_compat few|all: an option of scripts/vm/run for each, which gives the program that name.
add_compat() {
	local user32
	user32=$(scripts/build user32)
	compat "$1" | sed "s|\(.*\)\.32|--add\n$user32/\1:/usr/bin/&|"
}

# few_tests KERNEL [32-BIT-PROGRAM...]: those that do not disturb each other share a guest, and
# those that race on purpose have one whose processors really run in parallel. The fuzzer comes
# after others, because KASAN holds back freed memory up to a bound. FUZZ: its seconds.
few_tests() {
	local kernel=$1 out=$TOP/build/log/guests/$1 devices add32
	shift
	scripts/build "$kernel" >/dev/null
	mapfile -t devices < <(devices)
	mapfile -t add32 < <(add_compat few)
	boot "$out-device" --kernel "$kernel" --timeout 1500 --append secretmem.enable=1 "${add32[@]}" -- \
		"${devices[@]}" demo_verdict_test example_regcache example_who_touches "$@"
	boot "$out-parallel" --kernel "$kernel" --parallel --module test -- \
		device_race "engine --parallel" "device_hits --parallel" "fuzz --seconds ${FUZZ:-20}"
	# Only device_numa turns NUMA balancing on.
	boot "$out-engine" --kernel "$kernel" --module test --nodes 2 \
		--append numa_balancing=disable -- engine example_subscribe device_numa
}

# more_tests KERNEL: the rest, which make check runs on one kernel.
more_tests() {
	local out=$TOP/build/log/guests/$1 models
	scripts/build "$1" >/dev/null
	mapfile -t models < <(printf '%s\n' --module model; models "$1")
	boot "$out-models" --kernel "$1" "${models[@]}" --nodes 2 --append numa_balancing=disable -- models
	boot "$out-memory" --kernel "$1" "${MOVABLE[@]}" -- device_memory
	boot "$out-register" --kernel "$1" --parallel -- device_register "fuzz --self-test"
}
