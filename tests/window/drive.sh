#!/usr/bin/env bash
# Drives the real window as a person would, on a display of its own: keys, clicks, drags, a file that
# breaks and is mended. Reads what the window says of itself (`ringside play --places`). Prints what is
# wrong and exits 1. Usage: tests/window/drive.sh RINGSIDE [LOG]
# Needs Xvfb and xdotool. Build RINGSIDE with the address sanitizer to see leaks, too.
set -euo pipefail

ringside=$1
folder=$(mktemp -d)
log=${2:-$folder/log}
xvfb=''
window=''

finish() {
    [ -n "$window" ] && kill "$window" 2>/dev/null
    [ -n "$xvfb" ] && kill "$xvfb" 2>/dev/null
    wait 2>/dev/null
    rm -rf "$folder"
}
trap finish EXIT

wrong() {
    echo "drive: $1" >&2
    echo "--- the last that the window said:" >&2
    tail -n 30 "$log" >&2
    exit 1
}

# ---- what the window says

said() { grep '^event' "$log" | tail -n 1; }
field() { said | sed -n "s/.*$1 \([^ ]*\).*/\1/p"; }

# until WHAT COMMAND...: waits up to ten seconds for the command to succeed.
until_true() {
    local what=$1
    shift
    for _ in $(seq 200); do
        "$@" && return
        kill -0 "$window" 2>/dev/null || wrong "the window ended while waiting: $what"
        sleep 0.05
    done
    wrong "$what"
}

says() { said | grep -qE -- "$1"; }
says_not() { ! says "$1"; }
is() { [ "$(field "$1")" = "$2" ]; }
is_not() { [ "$(field "$1")" != "$2" ]; }
place() { grep -E "^  [0-9]+,[0-9]+ $1" "$log" | tail -n 1 | sed -E 's/^ *([0-9]+),([0-9]+).*/\1 \2/'; }
shown() { xdotool search --onlyvisible --class ringside >/dev/null; }
known() { [ -n "$(place "$1")" ]; }

# The system's libraries for windows keep some memory of their own until the end. A leak of ours has a
# function of ours on its stack.
own_leaks() { grep -E '^ +#[0-9]+ .* in [A-Za-z_]+ .*(render|sim)/[a-z_/]+\.c:' "$folder/errors"; }
other_errors() { grep -vE '^$|^=+|LeakSanitizer|^SUMMARY|^(Direct|Indirect) leak|^ +#[0-9]+ ' "$folder/errors"; }

# ---- what a person does

key() { xdotool key --delay 30 "$@"; }
# shellcheck disable=SC2046 # two words: x and y
point() { xdotool mousemove --window "$id" $(place "$1"); }
click() {
    point "$1"
    xdotool click 1
}

cat >"$folder/two.yaml" <<'YAML'
title: Two threads and a lock
machine: { cores: 1 }
locks: { shared: lock }
threads:
  - name: worker
    count: 2
    run:
      - repeat:
          times: 5
          do:
            - with: { lock: shared, do: [ { compute: 1ms } ] }
            - sleep: 500us
YAML
cp "$folder/two.yaml" "$folder/good.yaml"

exec {display_fd}<> <(:)
Xvfb -displayfd "$display_fd" -screen 0 1700x1000x24 -nolisten tcp >/dev/null 2>&1 &
xvfb=$!
read -r -t 20 -u "$display_fd" number || wrong "Xvfb does not start"
export DISPLAY=:$number SDL_VIDEODRIVER=x11

# Leaks are told of, not an error of their own: see own_leaks.
export LSAN_OPTIONS=exitcode=0${LSAN_OPTIONS:+:$LSAN_OPTIONS}
"$ringside" play "$folder/two.yaml" --places >"$log" 2>"$folder/errors" &
window=$!
until_true "the first frame" says '^event 0 of'
until_true "a window" shown
id=$(xdotool search --onlyvisible --class ringside | head -n 1)
xdotool windowfocus --sync "$id"

start=$(field scene)
records=$(said | sed -n 's/.* of \([0-9]*\) .*/\1/p')
whole=$(field zoom)

for _ in $(seq 10); do key Right; done
until_true "ten steps forward" says '^event 10 of'
is scene "$start" && wrong "ten events changed nothing"
for _ in $(seq 10); do key Left; done
until_true "ten steps back" says '^event 0 of'
is scene "$start" || wrong "ten forward and ten back: another scene than at the start"

key space
until_true "it plays" says playing
until_true "time passes" is_not time 0
key space
until_true "it pauses" says_not playing
key End
until_true "the end" says "^event $records of"
key Home
until_true "the beginning" is scene "$start"

click bar
until_true "a click on the bar goes to the middle" is_not time 0
middle=$(field time)
xdotool mousedown 1
xdotool mousemove_relative 60 0
xdotool mouseup 1
until_true "dragging scrubs" is_not time "$middle"

key Up
until_true "zooms in" is_not zoom "$whole"
zoomed=$(field zoom)
point timeline
xdotool click 4
until_true "the wheel zooms" is_not zoom "$zoomed"
zoomed=$(field zoom)
xdotool mousedown 1
xdotool mousemove_relative -- -80 0
xdotool mousemove_relative -- -80 0
xdotool mouseup 1
until_true "dragging the timeline pans" is_not zoom "$zoomed"
key 0
until_true "shows the whole run" is zoom "$whole"

until_true "a thread to click" known 'thread worker-2'
click 'thread worker-2'
until_true "a click selects a thread" is selected worker-2
key Shift+Right
until_true "the next switch" says '^event'
key Escape
until_true "Escape selects nobody" is selected nobody

time=$(field time)
key c
until_true "two cores" is cores 2
is time "$time" || wrong "the instant was not kept: $time, now $(field time)"
key o
until_true "one core again" is cores 1

printf 'threads: [ { name: x, run: [ { compuet: 1ms } ] } ]\n' >"$folder/two.yaml"
until_true "a broken file is an error" says error
until_true "the last good run stays" says "of $records "
cp "$folder/good.yaml" "$folder/two.yaml"
until_true "a mended file is none" says_not error
rm "$folder/two.yaml"
until_true "a file that is gone is an error" says error
until_true "the last good run stays without it" says "of $records "
cp "$folder/good.yaml" "$folder/two.yaml"
until_true "a file that is back is none" says_not error

key h
until_true "help" says help
key Escape
until_true "no help" says_not help
for k in t l w q Return q plus minus Tab k s n o; do key "$k"; done
until_true "as it was written" is cores 1
xdotool windowsize "$id" 1024 640
until_true "another size" is size 1024x640
# Ctrl-Q ends the window, with status 0 and without a leak.
quit_window() {
    key ctrl+q
    for _ in $(seq 200); do
        kill -0 "$window" 2>/dev/null || break
        sleep 0.05
    done
    kill -0 "$window" 2>/dev/null && wrong "it does not end"
    local status=0
    wait "$window" || status=$?
    window=''
    if [ "$status" -ne 0 ] || own_leaks >/dev/null || other_errors >/dev/null; then
        cat "$folder/errors" >&2
        wrong "it ended with status $status and these errors"
    fi
}
quit_window

# From standard input, which is read once: what is changed runs its text again.
"$ringside" play - --places <"$folder/good.yaml" >"$log" 2>"$folder/errors" &
window=$!
until_true "the first frame of standard input" says '^event 0 of'
until_true "its window" shown
id=$(xdotool search --onlyvisible --class ringside | head -n 1)
xdotool windowfocus --sync "$id"
key c
until_true "two cores for standard input" is cores 2
quit_window
echo "drive: all as it should be"
