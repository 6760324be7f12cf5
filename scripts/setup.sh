#!/usr/bin/env bash
# Makes this machine able to build the host and the plugins: a C compiler, and a Rust toolchain for WebAssembly.
# Says nothing and asks no network where both are there, so that every make target can begin with it.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

if ! has cargo; then
    say 'setup: cargo is missing: install Rust from https://rustup.rs'
    exit 1
fi

# ring and zstd compile C.
if ! has cc; then
    if ! { can_apt && apt_install gcc libc6-dev; }; then
        say 'setup: a C compiler is missing: install one, on Debian with `apt-get install gcc libc6-dev`'
        exit 1
    fi
fi

if has_wasm_target || has_build_std; then
    exit 0
fi
# Root on Debian needs no server but the system's own; elsewhere the target comes by rustup, which retries for minutes
# where its server cannot be reached.
if can_apt && apt_install rustc-web cargo-web rust-web-src lld-22 && has_build_std; then
    exit 0
fi
if has rustup; then
    say "setup: rustup target add $wasm_target"
    if bounded "${RUSTUP_SECONDS:-120}" rustup target add "$wasm_target" >&2 && has_wasm_target; then
        exit 0
    fi
fi
say "setup: no Rust toolchain here can compile for $wasm_target: run \`rustup target add $wasm_target\`, or on Debian" \
    '`apt-get install --no-install-recommends rustc-web cargo-web rust-web-src lld-22`'
exit 1
