# SPDX-License-Identifier: GPL-2.0-only
# The guests' output to one TAP stream. Input, besides what the tests print:
#	@boot NAME		a guest begins
#	@program NAME		in it a program begins
#	@exit STATUS		... and has ended
#	@end STATUS		the guest has ended, with the status of scripts/vm/run
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

/^@boot / { boot = $2; program = ""; next }
/^@program / { program = $2; plan = -1; tests = failed = 0; next }
/^@exit / { program_ends($2); next }
/^@end / {
	if (program != "") {
		program_ends("missing")
		program = ""
	}
	# A status that the programs' tests account for is not counted again.
	line($2 == 0 || $2 == 1, "guest: booted, did all, unloaded everything" \
		($2 > 1 ? ", status " $2 : ""))
	next
}
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
END { print "1.." nr + 0; exit bad_lines > 0 }
