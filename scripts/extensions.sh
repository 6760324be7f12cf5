#!/usr/bin/env bash
# Checks the Shopify extensions in <target>/extensions: types, Shopify's own check of the theme blocks, tests in a
# browser's document. Needs Node.js; without it this says that nothing was checked.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
mkdir -p "$1"
folder=$(realpath "$1")/extensions
cd "$(dirname "$0")/../manifests/shopify"

if ! has node || ! has npm; then
    say 'extensions: Node.js and npm are missing: the Shopify extensions are NOT checked'
    exit 0
fi
# A copy, so that nothing is installed among the sources.
mkdir -p "$folder"
rm -rf "$folder/extensions" "$folder/tests"
cp -r extensions tests package.json package-lock.json "$folder/"
cd "$folder"
if ! cmp -s package-lock.json node_modules/.installed; then
    npm ci --no-audit --no-fund >&2
    cp package-lock.json node_modules/.installed
fi
npm run --silent types
npm run --silent theme
npm test --silent
