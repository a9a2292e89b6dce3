#!/usr/bin/env bash
# Installs what is missing, builds what has changed, and runs `ringside` with the given arguments;
# without any, opens the window on a scenario that ships or, where there is no display, prints its
# summary and draws a picture of the window. Works from every folder: ./run.sh run my.yaml --narrate
set -euo pipefail

root=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
build=$root/build/run
# shellcheck source=.ci/packages.sh
. "$root/.ci/packages.sh"

need_build_tools
install_missing

forget_foreign_build "$build" "$root"
if [ ! -e "$build/build.ninja" ]; then
    say "Building ringside (the first time takes a while)"
    mkdir -p "$build"
    quietly "$build/configure.log" cmake -S "$root" -B "$build" -G Ninja \
        -DRINGSIDE_TESTS=OFF -DRINGSIDE_BENCH=OFF || exit 2
fi
quietly "$build/build.log" ninja -C "$build" ringside || exit 2

if [ $# -gt 0 ]; then
    exec "$build/ringside" "$@"
fi
scenario=$root/scenarios/3-schedulers/round-robin.yaml
if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
    exec "$build/ringside" play "$scenario"
fi
"$build/ringside" run "$scenario"
"$build/ringside" picture "$scenario" -o "$build/round-robin.png"
say
say "There is no display to open the window on. What it would show is in $build/round-robin.png"
