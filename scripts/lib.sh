# Shared by the scripts here: what this machine has. Asks only what is installed, never the network.
# shellcheck shell=bash

wasm_target=wasm32-unknown-unknown

say() { printf '%s\n' "$*" >&2; }

has() { command -v "$1" >/dev/null 2>&1; }

# The target's standard library is installed. rustc names its directory whether it is there or not.
has_wasm_target() {
    local libraries
    libraries=$(rustc --print target-libdir --target "$wasm_target" 2>/dev/null) || return 1
    compgen -G "$libraries/libstd-*" >/dev/null
}

# The system's own compiler has its sources, cargo beside it, and something to link with: `regulars plugin build`
# then builds the standard library itself.
has_build_std() {
    local sysroot
    [ -x /usr/bin/rustc ] && [ -x /usr/bin/cargo ] || return 1
    sysroot=$(env -u RUSTUP_TOOLCHAIN /usr/bin/rustc --print sysroot 2>/dev/null) || return 1
    [ -f "$sysroot/lib/rustlib/src/rust/library/std/Cargo.toml" ] || return 1
    compgen -G '/usr/bin/wasm-ld*' >/dev/null || compgen -G "$(rustc --print sysroot)/lib/rustlib/*/bin/rust-lld" >/dev/null
}

# Debian packages can be installed here without asking anybody.
can_apt() { [ "$(id -u)" = 0 ] && has apt-get; }

apt_install() {
    say "setup: apt-get install $*"
    # Progress goes to standard error, so that what make prints on standard output is the target's own.
    { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"; } >&2
}

# A command that is given up after so many seconds; macOS has no timeout, and waits.
bounded() {
    local seconds=$1
    shift
    if has timeout; then timeout "$seconds" "$@"; else "$@"; fi
}
