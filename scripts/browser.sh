#!/usr/bin/env bash
# Drives the admin page of the host in <target>/debug in a real browser. Needs Node.js and Chromium; without them this
# says that nothing was checked.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
target=$(realpath "$1")
folder=$target/browser
cd "$(dirname "$0")/../tests/browser"
fixtures=$(realpath ../fixtures/shopify)

for name in "${BROWSER:-}" chromium chromium-browser google-chrome; do
    if [ -n "$name" ] && has "$name"; then
        BROWSER=$(command -v "$name")
        break
    fi
done
if ! has node || ! has npm || [ -z "${BROWSER:-}" ]; then
    say 'browser: Node.js, npm or Chromium are missing: the admin page is NOT checked in a browser'
    exit 0
fi
# A copy, so that nothing is installed among the sources.
mkdir -p "$folder"
cp ./*.js package.json package-lock.json "$folder/"
cd "$folder"
if ! cmp -s package-lock.json node_modules/.installed; then
    npm ci --no-audit --no-fund >&2
    cp package-lock.json node_modules/.installed
fi
export BROWSER PLUGINS=$target/plugins REGULARS=$target/debug/regulars
FIXTURES=$fixtures npm test --silent
