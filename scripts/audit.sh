#!/usr/bin/env bash
# Dependencies against deny.toml. Without cargo-deny the project's own test checks licences, sources and bans; the
# advisories are then not checked, and this says so.
set -euo pipefail
cd "$(dirname "$0")/.."
if cargo deny --version >/dev/null 2>&1; then
    cargo deny check licenses bans sources
    # Advisories come from a git repository, which not every machine can fetch.
    if [ "${ADVISORIES:-yes}" = no ]; then
        echo 'audit: advisories are NOT checked (ADVISORIES=no)'
    else
        cargo deny check advisories
    fi
else
    cargo test --quiet --workspace --test it dependencies::
    echo 'audit: crates in more than one version:'
    cargo tree --workspace --duplicates --depth 0 | sed '/^$/d; s/^/  /'
    echo 'audit: cargo-deny is not installed (cargo install cargo-deny): advisories are NOT checked'
fi
