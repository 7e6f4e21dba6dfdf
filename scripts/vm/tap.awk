# SPDX-License-Identifier: GPL-2.0-only
# The guests' output to one TAP stream. Input, besides what the tests print:
#	@boot NAME		a guest begins
#	@program NAME		in it a program begins
#	@exit STATUS		... and has ended
#	@end STATUS		the guest has ended, with the status of scripts/vm/run
#	@done			that was all
# A test that is missing is a failure: a plan that is not met, a program without
# any test or with a bad status of its own, a guest that said nothing.

# What was said since the last line is shown if the test failed, and dropped if not.
function line(ok, text,   i) {
	print (ok ? "ok " : "not ok ") ++nr " - " boot " " text
	for (i = 1; i <= said && !ok; i++)
		print (lines[i] ~ /^#/ ? "" : "# ") lines[i]
	said = 0
	bad_lines += !ok
	fflush()
}

# The end of a program that prints TAP, and of one that only has a status.
function program_ends(status) {
	if (program == "")
		return
	if (plan < 0 && tests == 0)
		line(status == 0, program ": status " status)
	else if (plan != tests && !failed)
		line(0, program ": " tests " tests of " (plan < 0 ? "no plan" : plan) " reported")
	else if (status != 0 && !failed)
		line(0, program ": status " status " and no failed test")
	program = ""
}

/^@boot / { boot = $2; program = ""; nr_programs = nr_bad = 0; next }
/^@program / { program = $2; plan = -1; tests = failed = 0; nr_programs++; next }
/^@exit / { nr_bad += $2 != 0; program_ends($2); next }
/^@end / {
	if (program != "") {
		program_ends("missing")
		program = ""
	}
	# 1 is what its programs failed with, and they were counted.
	good = nr_programs && $2 == (nr_bad > 0)
	line(good, "guest: booted, did all, unloaded everything" (good ? "" : ", status " $2))
	next
}
/^@done$/ { done = 1; next }
/^1\.\.[0-9]+/ && program != "" { plan = substr($1, 4) + 0; next }
/^(not )?ok( |$)/ && program != "" {
	bad = /^not/
	tests++
	failed += bad
	text = $0
	sub(/^(not )?ok *[0-9]* *-? */, "", text)
	line(!bad, program ": " text)
	next
}
/^@/ { next }
{ lines[++said] = $0 }
END {
	if (!done)
		line(0, "ended before all was done")
	print "1.." nr
	exit bad_lines > 0
}
