# shellcheck shell=bash
# Sourced by run.sh and test.sh: finds out which programs and libraries are missing and installs
# them with apt. Instant when nothing is missing, and then apt is not needed at all.

say() {
    printf '%s\n' "$*" >&2
}

missing=()

# need_command COMMAND PACKAGE
need_command() {
    command -v "$1" >/dev/null || missing+=("$2")
}

# need_library PKG-CONFIG-NAME PACKAGE
need_library() {
    pkg-config --exists "$1" 2>/dev/null || missing+=("$2")
}

# need_header HEADER PACKAGE
need_header() {
    echo "#include <$1>" | cc -E - >/dev/null 2>&1 || missing+=("$2")
}

# need_font FILE PACKAGE: looks where the program does (render/font.c).
need_font() {
    local folder
    for folder in "${XDG_DATA_HOME:-${HOME:-}/.local/share}/fonts" "${HOME:-}/.fonts" /usr/local/share/fonts /usr/share/fonts; do
        [ -d "$folder" ] && [ -n "$(find -L "$folder" -name "$1.[ot]tf" -print -quit 2>/dev/null)" ] && return
    done
    missing+=("$2")
}

# What building and running the program needs.
need_build_tools() {
    need_command cc gcc
    need_header stdlib.h libc6-dev
    need_command cmake cmake
    need_command ninja ninja-build
    need_command pkg-config pkg-config
    need_library libfyaml libfyaml-dev
    need_library jansson libjansson-dev
    need_header uthash.h uthash-dev
    need_library sdl2 libsdl2-dev
    need_library SDL2_ttf libsdl2-ttf-dev
    need_library SDL2_image libsdl2-image-dev
    need_font Inter-Regular fonts-inter
    need_font JetBrainsMono-Regular fonts-jetbrains-mono
    need_font DejaVuSans fonts-dejavu-core
}

# Installs what is in `missing`, or says what to install and stops with status 2.
install_missing() {
    [ ${#missing[@]} -eq 0 ] && return
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        as_root=(sudo)
    fi
    if ! command -v apt-get >/dev/null || { [ ${#as_root[@]} -gt 0 ] && ! command -v sudo >/dev/null; }; then
        say "These are missing and cannot be installed from here (names as in Debian and Ubuntu):"
        say "  ${missing[*]}"
        exit 2
    fi
    say "Installing: ${missing[*]}"
    local log
    log=$(mktemp)
    if ! { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q update &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
            apt-get -q install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        say "Could not install: ${missing[*]}"
        exit 2
    fi
    rm -f "$log"
    missing=()
}

# A build folder that another copy of the sources made (a moved clone) is of no use: begin anew.
# forget_foreign_build BUILD SOURCE
forget_foreign_build() {
    if [ -e "$1/CMakeCache.txt" ] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$2" "$1/CMakeCache.txt"; then
        rm -rf -- "$1"
    fi
}

# Runs a command without a word; when it fails, prints what it said. quietly LOG COMMAND...
quietly() {
    local log=$1
    shift
    "$@" >"$log" 2>&1 || {
        local status=$?
        cat "$log" >&2
        return "$status"
    }
}
