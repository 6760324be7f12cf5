#!/usr/bin/env bash
# Checks the Magento module: syntax, coding standard and unit tests, on Debian's packages. Where PHP is missing and cannot
# be installed, says that nothing was checked; PHP_REQUIRED=yes makes that an error.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$(dirname "$0")/../manifests/magento/Regulars_Connect"

packages=(php-cli php-xml php-mbstring php-sqlite3 php-json-schema php-guzzlehttp-guzzle php-psr-log phpunit php-codesniffer)

ready() {
    has php && has phpunit && has phpcs && php -r '
        $loaded = array_map("extension_loaded", ["dom", "mbstring", "pdo_sqlite"]);
        $found = array_map("stream_resolve_include_path", ["JsonSchema/autoload.php", "GuzzleHttp/autoload.php"]);
        exit(in_array(false, [...$loaded, ...$found], true) ? 1 : 0);'
}

if ! ready && can_apt; then
    apt_install "${packages[@]}" || true
fi
if ! has php || ! has phpunit || ! has phpcs; then
    say 'php: PHP, PHPUnit or PHP_CodeSniffer is missing: the Magento module is NOT checked. On Debian:' \
        "apt-get install --no-install-recommends ${packages[*]}"
    if [ "${PHP_REQUIRED:-no}" = yes ]; then exit 1; fi
    exit 0
fi

find . \( -name '*.php' -o -name '*.phtml' \) -print0 | xargs -0 -n 1 -P 2 php -l >/dev/null
phpcs -q
phpunit
