#!/usr/bin/env bash
# Makes ready what `make bench` compares with, in <target>/peers. What cannot be made is left out of the table.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
target=$(realpath "$1")
cd "$(dirname "$0")/../tests/peers"

if has node && has npm; then
    for peer in node-express node-shopify; do
        folder=$target/peers/$peer
        mkdir -p "$folder"
        cp "$peer"/*.js* "$folder/"
        if ! cmp -s "$folder/package-lock.json" "$folder/node_modules/.installed"; then
            # SQLite is compiled where no prebuilt one can be fetched: that takes a C++ compiler and Python.
            if (cd "$folder" && npm ci --no-audit --no-fund >&2); then
                cp "$folder/package-lock.json" "$folder/node_modules/.installed"
            else
                say "bench: $peer cannot be installed, and is left out"
                rm -rf "$folder/node_modules"
            fi
        fi
    done
else
    say 'bench: Node.js and npm are missing, and what runs on them is left out'
fi

cargo build --release --locked --manifest-path extism/Cargo.toml --target-dir "$target/peers/extism" ||
    say 'bench: Extism cannot be built, and is left out'
