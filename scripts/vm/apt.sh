# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced after lib.sh: an apt of our own, in the cache. It never touches the
# host's sources, lists or package database, and needs no root. Set APT_ARCH first
# for packages of another architecture than amd64.

APT_ARCH=${APT_ARCH:-amd64}
APT_DIR=$CACHE/apt
[ "$APT_ARCH" = amd64 ] || APT_DIR+=-$APT_ARCH
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

papt() { APT_CONFIG=$APT_DIR/apt.conf "$@"; }

# sites: "MAIN SECURITY", the Debian archives that this host is set up for.
# Without a security archive the second word is missing.
sites() {
	# shellcheck disable=SC2016	# apt's own variables
	apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT) $(LABEL)' \
		'Created-By: Packages' | awk '
		$3 != "main" || ($4 != "" && $4 !~ /^Debian/) { next }
		$2 ~ /-security$|\/updates$/ { if (!sec) sec = $1; next }
		$4 ~ /^Debian/ && !main { main = $1 }
		$1 ~ /debian/ && !named { named = $1 }
		END { print (main ? main : named), sec }'
}

# valid_until: what this host's apt thinks of lists past their date (a mirror that
# stands still has such), for an apt that does not read its configuration.
valid_until() {
	local until=true
	eval "$(apt-config shell until Acquire::Check-Valid-Until)"
	echo "Acquire::Check-Valid-Until \"$until\""
}

# sources SUITE...: one line a suite, for sources.list.
sources() {
	local main sec suite site
	read -r main sec < <(sites) || true
	[ -n "${main:-}" ] ||
		die "apt knows no Debian archive: none in 'apt-get indextargets' has component main"
	[ -r "$KEYRING" ] || die "$KEYRING is missing: install debian-archive-keyring"
	for suite; do
		site=$main
		if [[ $suite == *-security ]]; then
			site=${sec:-}
			[ -n "$site" ] || { note "no security archive is configured: skipping $suite"; continue; }
		fi
		echo "deb [arch=$APT_ARCH signed-by=$KEYRING] $site $suite main"
	done
}

# apt_update SUITE...: make the private configuration for these suites, and
# bring their lists up to date. A suite that cannot be had is only noted; LISTS_OLD is
# then "yes".
apt_update() {
	mkdir -p "$APT_DIR"/{lists/partial,cache/archives/partial}
	: >"$APT_DIR/status"
	cat >"$APT_DIR/apt.conf" <<-CONF
		Dir::State "$APT_DIR"; Dir::State::lists "$APT_DIR/lists";
		Dir::State::status "$APT_DIR/status"; Dir::Cache "$APT_DIR/cache";
		Dir::Etc::sourcelist "$APT_DIR/sources.list"; Dir::Etc::sourceparts "/dev/null";
		Dir::Log "$APT_DIR"; APT::Architecture "$APT_ARCH"; APT::Sandbox::User "root";
		APT::Get::List-Cleanup "0"; Acquire::Languages "none"; Acquire::Retries "3";
	CONF
	sources "$@" >"$APT_DIR/sources.list.new"
	mv "$APT_DIR/sources.list.new" "$APT_DIR/sources.list"
	note "updating the package lists of $*"
	LISTS_OLD=no
	papt apt-get update -qq --error-on=any >&2 && return
	# shellcheck disable=SC2034	# scripts/vm/kernel does
	LISTS_OLD=yes
	note "some package lists could not be fetched; going on with what is there"
}

# apt_index: "PACKAGE VERSION DEPENDS", tab-separated, for the linux-* packages
# of the suites of the last apt_update.
apt_index() {
	local file
	# shellcheck disable=SC2016
	papt apt-get indextargets --format '$(FILENAME)' 'Created-By: Packages' |
	while read -r file; do
		[ -e "$file" ] || continue
		/usr/lib/apt/apt-helper cat-file "$file"
		echo
	done | awk -v OFS='\t' '
		/^Package: / { pkg = $2; ver = dep = "" }
		/^Version: / { ver = $2 }
		/^Depends: / { dep = substr($0, 10) }
		/^$/ { if (pkg ~ /^linux-(image|base|binary|modules|headers|kbuild)-[0-9]/) print pkg, ver, dep; pkg = "" }'
}

# newest_of: of "VERSION ANYTHING" lines the one with the highest version.
newest_of() {
	local best='' line
	while read -r line; do
		if [ -z "$best" ] || dpkg --compare-versions "${line%%[[:space:]]*}" gt "${best%%[[:space:]]*}"; then
			best=$line
		fi
	done
	echo "$best"
}

# fetch PACKAGE=VERSION...: download them into the current directory.
fetch() {
	papt apt-get download -qq "$@" >&2 || die "cannot download $*"
}
