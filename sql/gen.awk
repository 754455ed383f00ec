# SPDX-License-Identifier: ISC
#
# Make C of the named statements in sql/queries: awk -f sql/gen.awk -v what=h|c FILE...
# A block begins with "-- name: NAME (read)" or "(write)", then may come comment lines, then the text. Nothing
# is written unless all of it is well formed.

function fail(why) {
	printf "%s:%d: %s\n", FILENAME, FNR, why > "/dev/stderr"
	failed = 1
	exit 1
}

function escaped(s) {
	gsub(/[\\"]/, "\\\\&", s)
	return s
}

# The block just read is complete: count its arguments, and check it.
function finish(    rest, n, used, i) {
	if (count == 0)
		return
	if (last[count] == 0 || comment[count] == "")
		fail("statement " name[count] " has no " (last[count] == 0 ? "text" : "comment"))
	sub(/;$/, "", line[count, last[count]])
	for (i = 1; i <= last[count]; i++)
		for (rest = line[count, i]; match(rest, /\$[0-9]+/); rest = substr(rest, RSTART + RLENGTH)) {
			n = substr(rest, RSTART + 1, RLENGTH - 1) + 0
			used[n]
			if (n > nargs[count])
				nargs[count] = n
		}
	for (i = 1; i <= nargs[count]; i++)
		if (!(i in used))
			fail("statement " name[count] " uses $" nargs[count] " but not $" i)
}

BEGIN {
	if (what != "h" && what != "c") {
		print "gen.awk: -v what=h or what=c" > "/dev/stderr"
		failed = 1
		exit 1
	}
}

FNR == 1 && NR > 1 { finish(); inblock = 0 }

{ sub(/[ \t\r]+$/, "") }

tolower($0) ~ /^[ \t]*--[ \t]*name[ \t]*:/ {
	finish()
	if ($0 !~ /^-- name: [a-z][a-z0-9_]* \((read|write)\)$/)
		fail("expected \"-- name: NAME (read)\" or \"(write)\": " $0)
	if ($3 in seen)
		fail("statement " $3 " is there twice")
	seen[$3]
	name[++count] = $3
	readonly[count] = $4 == "(read)" ? "true" : "false"
	last[count] = nargs[count] = 0
	inblock = 1
	next
}

# The comment goes into the header, with the name.
/^-- / && inblock && last[count] == 0 {
	comment[count] = comment[count] (comment[count] == "" ? "" : "\n\t * ") substr($0, 4)
	next
}

/^--/ || /^$/ { next }

!inblock { fail("text before the first \"-- name:\"") }

{ line[count, ++last[count]] = $0 }

END {
	if (failed)
		exit 1
	if (count == 0)
		fail("no statements")
	finish()
	print "/* Made by sql/gen.awk from sql/queries: change it there. */\n"
	if (what == "h") {
		print "#ifndef SQL_H\n#define SQL_H\n\n#include <stdbool.h>\n\nenum sql {"
		for (i = 1; i <= count; i++)
			printf "\t/* %s */\n\tSQL_%s,\n\n", comment[i], toupper(name[i])
		print "\tSQL__MAX\n};\n\nstruct stmt {"
		print "\tconst char *name;\n\tconst char *text;\n\tint nargs;\n\tbool readonly;\t/* may go to a replica, and be repeated */"
		print "};\n\nextern const struct stmt stmts[SQL__MAX];\n\n#endif"
		exit
	}
	print "#include \"sql.h\"\n\nconst struct stmt stmts[SQL__MAX] = {"
	for (i = 1; i <= count; i++) {
		printf "\t[SQL_%s] = {\n\t\t.name = \"%s\",\n\t\t.text =\n", toupper(name[i]), name[i]
		for (j = 1; j <= last[i]; j++)
			printf "\t\t\t\"%s%s\"%s\n", escaped(line[i, j]), j < last[i] ? "\\n" : "", j < last[i] ? "" : ","
		printf "\t\t.nargs = %d,\n\t\t.readonly = %s,\n\t},\n", nargs[i], readonly[i]
	}
	print "};"
}
