#!/usr/bin/env bash
# Builds the plugins of this repository, and the one that its tests probe the host with, into <target>/plugins with the `regulars` given, which is their build tool.
set -euo pipefail
regulars=$1
cd "$(dirname "$0")/.."
for plugin in plugins/*/ tests/probe/; do
    "$regulars" plugin build "${plugin%/}"
done
