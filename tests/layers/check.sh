#!/usr/bin/env bash
# The house rule: a file includes only from its own floor and from floors below it. Prints each
# include that breaks it and exits 1. Usage: tests/layers/check.sh [ROOT]
#
#   base < trace < scenario < engine < hardware < kernel < python < program
#   analysis, native, render: readers of the trace, above base, trace and scenario only
#   (native and render also use analysis)
#   sim/ringside.h: implemented in program; used by analysis (RunResult) and the command line
#   SDL's headers: only render/sdl.c, whose interface render/sdl.h is for render alone
#   sim/cli*: what main.c and the commands (cmd_*.c and their headers) share; nobody else
set -euo pipefail

root=${1:-$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../..}
cd -- "$root"

folders=()
for folder in sim native render main.c; do
    [ -e "$folder" ] && folders+=("$folder")
done

# shellcheck disable=SC2016 # the dollars are awk's
find "${folders[@]}" -name '*.[ch]' -o -name '*.def' | LC_ALL=C sort | tr '\n' '\0' | xargs -0 awk '
BEGIN {
    split("base trace scenario engine hardware kernel python program", order)
    for (i in order)
        rank[order[i]] = i + 0
    readers["analysis"] = "base trace scenario analysis"
    readers["native"] = "base trace scenario analysis native"
    readers["render"] = "base trace scenario analysis render"
}

# "sim/kernel/policy/rr.c" is on floor "kernel", "render/view.c" on "render", "sim/cli.c" on "".
function floor_of(path, part, count) {
    count = split(path, part, "/")
    if (part[1] == "sim")
        return count > 2 ? part[2] : ""
    return count > 1 ? part[1] : ""
}

function is_command_line(path) {
    return path ~ /(^|\/)cmd_[^\/]*\.[ch]$/ || path == "main.c" || path ~ /^sim\/cli[^\/]*$/
}

function allowed(path, included, from, to) {
    from = floor_of(path)
    to = floor_of(included)
    if (included ~ /^sim\/cli[^\/]*$/)
        return is_command_line(path)
    if (included == "sim/ringside.h") # the face of the machine: implemented on its top floor
        return is_command_line(path) || from == "program" || from == "analysis" || from == ""
    if (from == "")
        return 1 # main.c, sim/cli.c, sim/ringside.c: above all floors
    if (from in readers)
        return index(" " readers[from] " ", " " to " ") > 0
    if (!(from in rank))
        return 0 # an unknown folder: give it a floor above
    return (to in rank) && rank[to] <= rank[from]
}

FNR == 1 { files++ }

/^[ \t]*#[ \t]*include[ \t]*"/ {
    split($0, piece, "\"")
    included = piece[2]
    if (included !~ /^(sim|native|render)\//) {
        printf "%s:%d: includes \"%s\": paths begin at the root (sim/…)\n", FILENAME, FNR, included
        bad++
    } else if (!allowed(FILENAME, included)) {
        printf "%s:%d: %s must not include \"%s\"\n", FILENAME, FNR, FILENAME, included
        bad++
    }
}

/^[ \t]*#[ \t]*include[ \t]*[<"](SDL2\/)?SDL[_a-z0-9]*\.h[>"]/ && FILENAME != "render/sdl.c" {
    printf "%s:%d: includes SDL: only render/sdl.c does\n", FILENAME, FNR
    bad++
}

END {
    if (files == 0) {
        print "no source files found"
        exit 1
    }
    exit bad > 0
}' || exit 1
