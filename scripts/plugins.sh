#!/usr/bin/env bash
# Builds the plugins of this repository into <target>/plugins with the `regulars` given, which is their build tool.
set -euo pipefail
regulars=$1
cd "$(dirname "$0")/.."
for plugin in plugins/*/; do
    "$regulars" plugin build "${plugin%/}"
done
