#!/usr/bin/env bash
# Writes the app's configuration for one host beside its template, for `shopify app deploy --config NAME`:
#     scripts/shopify-app.sh https://regulars.example CLIENT_ID [NAME]
# The environment file of the same name tells the customer-account extension where the host is.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$(dirname "$0")/../manifests/shopify"

usage='usage: scripts/shopify-app.sh https://HOST CLIENT_ID [NAME]'
[ $# -ge 2 ] && [ $# -le 3 ] || { say "$usage"; exit 2; }
host=${1%/} client_id=$2 name=${3:-local}

# Both are written into files as they are, so that nothing else gets there. Shopify calls no address without TLS.
refuse() { say "shopify-app: $*"; exit 2; }
[[ $host =~ ^https://[a-z0-9.-]+(:[0-9]+)?$ ]] || refuse "not an https address without a path: $host"
[[ $client_id =~ ^[a-z0-9]{32}$ ]] || refuse "a client id is 32 letters and digits: $client_id"
[[ $name =~ ^[a-z0-9-]+$ ]] || refuse "a name is small letters, digits and dashes: $name"

sed -e "s|https://regulars\.example|$host|" -e "s|^client_id = \"\"|client_id = \"$client_id\"|" \
    shopify.app.toml >"shopify.app.$name.toml"
printf 'REGULARS_URL=%s\n' "$host" >".env.$name"
say "shopify-app: wrote manifests/shopify/shopify.app.$name.toml and .env.$name"
