# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced after apt.sh: what kernels.list says, and what the archive has of it.

KERNELS=$TOP/scripts/vm/kernels.list

# rows NAME: the lines of kernels.list for a name or a release; all for ''.
rows() {
	local name suites regex rest
	while read -r name suites regex rest; do
		[[ $name != '' && $name != '#'* ]] || continue
		if [[ -z $1 || $1 == "$name" ]]; then
			echo "$name $suites $regex $rest"
		elif [[ $1 =~ ^($regex)-amd64$ ]]; then
			echo "$name $suites $regex $rest"
			break
		fi
	done <"$KERNELS"
}

# names [TIER]: of all kernels, or those of a tier, in the order of the list.
names() { rows '' | awk -v tier="${1:-}" '(tier == "" || $6 == tier) && !seen[$1]++ { print $1 }'; }

# suites NAME: where to look for it.
suites() { rows "$1" | cut -d' ' -f2 | tr , '\n' | sort -u; }

# candidates NAME <INDEX: "VERSION PACKAGE RELEASE ROOT HOME" for all that are on
# offer. The archive keeps an image for longer than the headers to build for it.
candidates() {
	local pkg ver _ _name regex root home release index
	index=$(awk -F'\t' '
		{ name = $1 }
		sub(/^linux-headers-/, "", name) { headers[name] = 1 }
		sub(/^linux-image-/, "", name) { line[++n] = $0; sub(/-unsigned$/, "", name); of[n] = name }
		END { for (i = 1; i <= n; i++) if (of[i] in headers) print line[i] }')
	while read -r _name _ regex root home _; do
		if [[ $1 == *-amd64 ]]; then regex=${1%-amd64} regex=${regex//./\\.} regex=${regex//+/\\+}; fi
		while IFS=$'\t' read -r pkg ver _; do
			release=${pkg#linux-image-}
			release=${release%-unsigned}
			if [[ $release =~ ^($regex)-amd64$ ]]; then echo "$ver $pkg $release $root $home"; fi
		done <<<"$index"
	done < <(rows "$1") | sort -u
}

# closure INDEX PACKAGE...: with those linux-* packages that they depend on, each
# as PACKAGE=VERSION.
closure() {
	local index=$1 todo=("${@:2}") seen=' ' pkg best dep
	while [ ${#todo[@]} -gt 0 ]; do
		pkg=${todo[0]}
		todo=("${todo[@]:1}")
		[[ $seen != *" $pkg "* ]] || continue
		seen+="$pkg "
		best=$(awk -F'\t' -v p="$pkg" '$1 == p { print $2 "\t" $3 }' "$index" | newest_of)
		[ -n "$best" ] || die "the package lists have no $pkg"
		echo "$pkg=${best%%$'\t'*}"
		while read -r dep; do todo+=("$dep"); done < <(tr , '\n' <<<"${best#*$'\t'}" |
			awk '$1 ~ /^linux-(base|binary|modules|headers|kbuild)-[0-9]/ { print $1 }')
	done
}
