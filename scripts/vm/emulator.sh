# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154	# variables of run
# Sourced by scripts/vm/run, and uses variables of run: tells faults of the emulator from
# failures of the guest.

# A stock kernel runs /init after some seconds, on a loaded host after a minute.
BOOT_SECONDS=${PINWATCH_BOOT_SECONDS:-180}

# watch_boot PID: end the emulator if the kernel has not come to /init. An emulator whose
# processors run in parallel on a loaded host may hang there, before any code of this project.
watch_boot() {
	! timeout "$BOOT_SECONDS" tail --pid="$1" -f /dev/null || return 0
	grep -qs 'Run /init as init' "$log" && return
	: >"$tmp/hangs"
	kill "$1" 2>/dev/null || rm -f "$tmp/hangs"
}

# What the kernel says when something is wrong; an int3 has "Oops: " before it since 6.9.
export COMPLAINT='WARNING:.* at |BUG[: ]|Oops|Call Trace:|Kernel panic|general protection|UBSAN:|INFO: task .* blocked|detected stall|kmemleak: ([0-9]+ new|.*disabled)|DEBUG_LOCKS_WARN_ON'
export INT3='(Oops: |[]] )int3: [0-9a-f]+ [[]'

# debug_kernel: what differs for a debug kernel. It is slow, and needs memory. The kernel's own
# data races must not end the guest of KCSAN. SLUB's checks find nothing that KASAN does not.
# A report that the console loses is not looked at.
debug_kernel() {
	case $kernel in
	*-kasan) append=" slub_debug=-$append" ;;
	*-kcsan) append=" panic_on_warn=0$append" ;;
	*) return ;;
	esac
	append=" log_buf_len=16M$append"
	COMPLAINT+='|printk messages dropped'
	slower=4
	limit=$((limit * slower))
	[ "$mem" != 1G ] || mem=3G
}

# told: $tmp/told is the console without data races that are not ours. KCSAN reports many of the
# kernel's own: in timers that interrupt our functions, and in page tables that our functions let
# the kernel read. A race is ours if our function accesses the memory, or calls one of a library
# that does. After the name of a function of a module stands the module's. A line of "=" ends a
# report.
told() {
	awk '
		/BUG: KCSAN: / {
			if (inside && ours) printf "%s", report
			report = ""; ours = access = 0; inside = 1
		}
		!inside { print; next }
		{ report = report $0 "\n" }
		/ 0x[0-9a-f]+ of [0-9]+ bytes by / { access = 1; next }
		access && /[+]0x[0-9a-f]+[/]0x/ && !/ _*(rb|list|llist|hlist|interval_tree|mem(cpy|set|move)|refcount)[_+]/ {
			access = 0
			if (/ \[pinwatch/) ours = 1
		}
		$0 ~ ENVIRON["COMPLAINT"] && !/BUG: KCSAN: / { ours = 1 }
		/====/ { if (ours) printf "%s", report; inside = 0; report = "" }
		END { if (inside && ours) printf "%s", report }' "$log" >"$tmp/told"
}

# emulator_died: watch_boot() ended the guest; or the kernel complained before /init, that is,
# before any code of this project; or, with parallel processors, the first complaint is an int3 in
# the kernel's own text, where it had just patched itself, and the emulator has kept a stale
# translation. After the name of a function of a module stands the module's. Nothing else is
# excused.
emulator_died() {
	[ ! -e "$tmp/hangs" ] || return 0
	grep -sE -m 1 -A 30 "$COMPLAINT|$INT3" "$tmp/told" >"$tmp/complaint" || return
	grep -q 'Run /init as init' "$tmp/told" || return 0
	[ "$thread" = multi ] && tr -d '\r' <"$tmp/complaint" | awk '
		NR == 1 && $0 !~ ENVIRON["INT3"] { exit }
		/RIP: 0010:/ { own = /RIP: 0010:[A-Za-z_][A-Za-z0-9_.]*[+]0x[0-9a-f]+[/]0x[0-9a-f]+$/; exit }
		END { exit !own }'
}
