#!/usr/bin/env bash
# Every check there is: the suite with gcc, clang, without optimisation and under sanitizers; equal
# trace hashes in all of them; layers, format, reference; fuzzers (FUZZ_SECONDS each, default 60);
# benchmarks as a smoke test. Installs what is missing. The last line is "N passed, N failed"; the
# exit status says the same. Usage: ./test.sh [STAGE...] runs only these stages (see the end).
set -uo pipefail

root=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
builds=$root/build
cores=$(nproc)
: "${FUZZ_SECONDS:=60}"
# shellcheck source=.ci/packages.sh
. "$root/.ci/packages.sh"
cd -- "$root" || exit 2
export LC_ALL=C.UTF-8
export ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1

passed=0
failed=0
failures=()

# count NAME OK FAILED: adds the results of a suite and says them.
count() {
    passed=$((passed + $2))
    failed=$((failed + $3))
    if [ "$3" -gt 0 ]; then
        failures+=("$1 ($3)")
        printf '%-34s %5d passed, %d FAILED\n' "$1" "$2" "$3"
    else
        printf '%-34s %5d passed\n' "$1" "$2"
    fi
}

# check NAME COMMAND...: one check, silent when it passes.
check() {
    local name=$1 log
    shift
    log=$(mktemp)
    if "$@" >"$log" 2>&1; then
        count "$name" 1 0
    else
        tail -n 60 "$log"
        count "$name" 0 1
    fi
    rm -f "$log"
}

# The clang-format whose output the sources have; others differ in small things.
clang_format() {
    command -v clang-format-14 || { clang-format --version 2>/dev/null | grep -q ' 14\.' && command -v clang-format; }
}

can_fuzz() {
    local probe
    probe=$(mktemp -d)
    printf 'int LLVMFuzzerTestOneInput(const char *p, long n) { return !p && n; }' >"$probe/probe.c"
    clang -fsanitize=fuzzer,address,undefined "$probe/probe.c" -o "$probe/probe" >/dev/null 2>&1
    local status=$?
    rm -rf "$probe"
    return $status
}

install_tools() {
    need_build_tools
    need_library cmocka libcmocka-dev
    need_command clang clang
    need_command shellcheck shellcheck
    need_command ffmpeg ffmpeg
    need_command python3 python3
    need_command Xvfb xvfb
    need_command xdotool xdotool
    clang_format >/dev/null || missing+=(clang-format-14)
    install_missing
    # The runtime of clang's sanitizers and fuzzer: a package of its own since Debian 12.
    if ! can_fuzz; then
        missing+=(libclang-rt-dev)
        install_missing
        can_fuzz || { say "clang cannot link -fsanitize=fuzzer,address,undefined"; exit 2; }
    fi
}

# build NAME CMAKE-OPTION...: configures and builds build/ci-NAME with warnings as errors; of it only
# the targets in `targets`, when there are any.
targets=()
build() {
    local name=$1 folder=$builds/ci-$1
    shift
    forget_foreign_build "$folder" "$root"
    mkdir -p "$folder"
    quietly "$folder/configure.log" cmake -S "$root" -B "$folder" -G Ninja -DRINGSIDE_WERROR=ON "$@" &&
        quietly "$folder/build.log" ninja -C "$folder" -j "$cores" "${targets[@]}"
}

# Sums what cmocka said in a ctest log, "OK FAILED"; a program that ended otherwise is one failure.
count_tests() {
    awk '
    function close_test() { if (open && bad && !listed) failures++; open = listed = bad = 0 }
    /^[0-9]+\/[0-9]+ Testing: / { close_test(); open = 1 }
    /^\[  PASSED  \] [0-9]+ test/ { passes += $4 }
    /^\[  FAILED  \] [0-9]+ test.*listed below/ { failures += $4; listed = 1 }
    /^Test (Failed|Fail)\.|^Test time out|^\*\*\*|^Unable to find/ { bad = 1 }
    END { close_test(); print passes + 0, failures + 0 }' "$1"
}

# suite NAME CMAKE-OPTION...: builds and runs all tests.
suite() {
    local name=$1 folder=$builds/ci-$1 ok bad status
    if ! build "$@"; then
        count "suite $name (does not build)" 0 1
        return
    fi
    rm -f "$folder/Testing/Temporary/LastTest.log"
    ctest --test-dir "$folder" -j "$cores" --output-on-failure >"$folder/ctest.log" 2>&1
    status=$?
    read -r ok bad < <(count_tests "$folder/Testing/Temporary/LastTest.log")
    if [ $status -ne 0 ]; then
        grep -E '^\[  (ERROR|LINE|FAILED)|ERROR: |runtime error|\*\*\*' "$folder/ctest.log" | head -n 60
        [ "$bad" -gt 0 ] || bad=1
    elif [ "$ok" -eq 0 ]; then
        say "no test ran in suite $name"
        bad=1
    fi
    count "suite $name" "$ok" "$bad"
}

stage_release() {
    suite release -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_C_COMPILER=gcc
    # The suite steps back through samples of what the largest scenarios show; this, through all.
    check "every event of every scenario, stepped forwards and back" step_over_everything
}
# One share of the scenarios a core.
step_over_everything() {
    local share running=() status=0
    for ((share = 0; share < cores; share++)); do
        "$builds/ci-release/tests/test_recording" --every "$share/$cores" &
        running+=($!)
    done
    for share in "${running[@]}"; do wait "$share" || status=1; done
    return $status
}
stage_debug() { suite debug -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_COMPILER=gcc; }
stage_clang() { suite clang -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_C_COMPILER=clang; }
stage_asan() {
    suite asan -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_C_COMPILER=gcc \
        -DRINGSIDE_SANITIZE=address,undefined
}

# What runs on a thread of its own.
stage_tsan() {
    local targets=(tests/test_rerun)
    if build tsan -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_C_COMPILER=gcc \
        -DRINGSIDE_SANITIZE=thread -DRINGSIDE_BENCH=OFF; then
        # Addresses that are not shuffled: this sanitizer cannot do with all that kernels give.
        check "threads, under their sanitizer" setarch -R "$builds/ci-tsan/tests/test_rerun"
    else
        count "threads, under their sanitizer (does not build)" 0 1
    fi
}

# hash BUILD ARGUMENT...: the trace hash of a run, or what went wrong.
hash() {
    local binary=$builds/ci-$1/ringside hash
    shift
    hash=$("$binary" run --json "$@" 2>/dev/null | grep -o '"trace_hash": *"[0-9a-f]*"')
    printf '%s\n' "${hash:-none}"
}

# Every shipped scenario keeps its expectations, and its trace is the same in every build, as
# shipped and with another machine and seed. Files are shared out over the cores.
stage_hashes() {
    local build ok bad found
    for build in release debug asan clang; do
        [ -x "$builds/ci-$build/ringside" ] || { count "hashes (no build $build)" 0 1; return; }
    done
    export builds
    export -f hash hashes_of say
    # shellcheck disable=SC2016 # the inner shell expands it
    found=$(printf '%s\0' scenarios/*/*.yaml |
        xargs -0 -n 4 -P "$cores" bash -c 'for file; do hashes_of "$file"; done' hashes_of) ||
        found+=$'\n0 1'
    read -r ok bad < <(awk '{ ok += $1; bad += $2 } END { print ok + 0, bad + 0 }' <<<"$found")
    [ "$ok" -gt 0 ] || bad=1
    count "scenarios and trace hashes" "$ok" "$bad"
}

# hashes_of FILE: "OK BAD" of one scenario; what is wrong goes to standard error.
hashes_of() {
    local file=$1 ok=0 bad=0 build first found arguments
    if "$builds/ci-release/ringside" run --quiet "$file"; then
        ok=$((ok + 1))
    else
        say "$file: exit status $?"
        bad=$((bad + 1))
    fi
    for arguments in "" "--seed 7 --set machine.cores=8"; do
        # shellcheck disable=SC2086 # the arguments are words
        first=$(hash release "$file" $arguments)
        # With more cores a scenario may stop being one; as shipped it may not.
        [ "$first" != none ] || [ -z "$arguments" ] || continue
        for build in debug asan clang; do
            # shellcheck disable=SC2086
            found=$(hash "$build" "$file" $arguments)
            if [ "$first" != none ] && [ "$found" = "$first" ]; then
                ok=$((ok + 1))
            else
                say "$file $arguments: $first with release, $found with $build"
                bad=$((bad + 1))
            fi
        done
    done
    printf '%d %d\n' $ok $bad
}

# The layer check must also find what it is for.
finds_upward_include() {
    local tree
    tree=$(mktemp -d)
    mkdir -p "$tree/sim/base"
    printf '#include "sim/kernel/task.h"\n' >"$tree/sim/base/wrong.c"
    tests/layers/check.sh "$tree"
    local status=$?
    rm -rf "$tree"
    [ $status -eq 1 ]
}

finds_sdl_elsewhere() {
    local tree
    tree=$(mktemp -d)
    mkdir -p "$tree/render"
    printf '#include <SDL.h>\n' >"$tree/render/view_wrong.c"
    tests/layers/check.sh "$tree"
    local status=$?
    rm -rf "$tree"
    [ $status -eq 1 ]
}

format_is_kept() {
    # Folders that do not exist yet would make find, and with pipefail the check, fail.
    local folders=(main.c sim tests) folder
    for folder in native render; do
        if [ -d "$folder" ]; then folders+=("$folder"); fi
    done
    find "${folders[@]}" \( -name '*.c' -o -name '*.h' \) -print0 |
        xargs -0 "$(clang_format)" --dry-run -Werror
}

reference_is_fresh() {
    "$builds/ci-release/ringside" schema --reference | diff -u scenarios/README.md -
}

# The README's first scenario prints what the README says, to the last character.
readme_is_true() {
    local scenario
    scenario=$(mktemp --suffix=.yaml)
    block yaml <README.md >"$scenario"
    "$builds/ci-release/ringside" run "$scenario" | diff -u <(block text <README.md) -
    local status=$?
    rm -f "$scenario"
    return $status
}

# block LANGUAGE: the first code block of that language.
block() {
    awk -v open_mark="\`\`\`$1" '$0 == "```" { if (inside) exit } inside { print } $0 == open_mark { inside = 1 }'
}

# What is installed runs and finds the installed scenarios, also below a folder with a space.
installs() {
    local prefix
    prefix=$(mktemp -d)/"a prefix"
    (
        cmake --install "$builds/ci-release" --prefix "$prefix" >/dev/null &&
            cd "$prefix/share/ringside/scenarios" &&
            find . -mindepth 2 -name '*.yaml' | sed 's/^\.\///; s/\.yaml$//' | sort >"$prefix/names" &&
            cd / && "$prefix/bin/ringside" list --names | sort | diff "$prefix/names" - &&
            "$prefix/bin/ringside" check "$(sed -n 1p "$prefix/names")" | grep -F "$prefix/"
    )
    local status=$?
    rm -rf "$(dirname "$prefix")"
    return $status
}

stage_house() {
    check "layers" tests/layers/check.sh
    check "layers: the check finds a breach" finds_upward_include
    check "layers: the check finds SDL" finds_sdl_elsewhere
    check "format" format_is_kept
    check "scripts" shellcheck -x run.sh test.sh .ci/run .ci/packages.sh tests/layers/check.sh \
        tests/window/drive.sh
    check "reference is fresh" reference_is_fresh
    check "README's example" readme_is_true
    check "installs" installs
}

# The real window, driven by keys and clicks; under the address sanitizer, so that it may not leak.
stage_window() {
    local program=$builds/ci-asan/ringside
    [ -x "$program" ] || { stage_asan; }
    check "the window, driven" timeout 300 tests/window/drive.sh "$program"
}

# Benchmarks must build and run; what they measure is for a quiet machine to say. (bench_million also
# fails above its memory goal, which does not depend on that.)
stage_bench() {
    local program
    for program in "$builds"/ci-release/tests/bench_*; do
        [ -x "$program" ] && check "$(basename "$program") (smoke)" "$program" --smoke
    done
}

# fuzz_one PROGRAM: keeps its corpus between runs. fuzz_X has its seeds in tests/fuzz/X_corpus and
# its words in tests/fuzz/fuzz_X.dict, if there are any.
fuzz_one() {
    local name seeds=() words=() folder
    name=$(basename "$1")
    folder=$builds/corpus/$name
    mkdir -p "$folder"
    [ -f "tests/fuzz/$name.dict" ] && words+=("-dict=tests/fuzz/$name.dict")
    for seeds_folder in "tests/fuzz/${name#fuzz_}_corpus" tests/bad scenarios; do
        [ -d "$seeds_folder" ] && seeds+=("$seeds_folder")
    done
    LSAN_OPTIONS=suppressions=tests/fuzz/leaks.supp:print_suppressions=0 "$1" -max_total_time="$FUZZ_SECONDS" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$folder-" "${words[@]}" "$folder" "${seeds[@]}" >"$folder.log" 2>&1
}

stage_fuzz() {
    local program programs=() running=() i
    if ! build fuzz -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_C_COMPILER=clang -DRINGSIDE_FUZZ=ON \
        -DRINGSIDE_TESTS=OFF -DRINGSIDE_BENCH=OFF; then
        count "fuzzers (do not build)" 0 1
        return
    fi
    for program in "$builds"/ci-fuzz/tests/fuzz_*; do
        [ -f "$program" ] && [ -x "$program" ] && programs+=("$program")
    done
    [ ${#programs[@]} -gt 0 ] || count "fuzzers (none found)" 0 1
    # As many at a time as there are cores.
    for ((i = 0; i < ${#programs[@]}; i += cores)); do
        running=()
        for program in "${programs[@]:i:cores}"; do
            fuzz_one "$program" &
            running+=($!)
        done
        for program in "${programs[@]:i:cores}"; do
            if wait "${running[0]}"; then
                count "$(basename "$program"), $FUZZ_SECONDS s" 1 0
            else
                tail -n 30 "$builds/corpus/$(basename "$program").log"
                count "$(basename "$program")" 0 1
            fi
            running=("${running[@]:1}")
        done
    done
}

started=$SECONDS
install_tools
[ $# -gt 0 ] || set -- release asan clang debug tsan hashes house window bench fuzz
for stage in "$@"; do
    declare -F "stage_$stage" >/dev/null || { say "there is no stage '$stage'"; exit 2; }
    "stage_$stage"
done

if [ $failed -gt 0 ]; then
    printf 'FAILED after %d s: ' $((SECONDS - started))
    printf '%s; ' "${failures[@]}"
    printf '\n'
else
    printf 'All good after %d s.\n' $((SECONDS - started))
fi
printf '%d passed, %d failed\n' "$passed" "$failed"
[ $failed -eq 0 ]
