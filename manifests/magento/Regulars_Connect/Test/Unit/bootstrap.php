<?php

/**
 * Lets the tests run where Magento is not. They are not for a shop's own test suite, where the stubs would meet the
 * real classes.
 */

declare(strict_types=1);

error_reporting(E_ALL);
// Debian's packages each bring their own loader.
$loaders = [
    'JsonSchema/autoload.php',
    'GuzzleHttp/autoload.php',
    'GuzzleHttp/Psr7/autoload.php',
    'GuzzleHttp/Promise/autoload.php',
    'Psr/Log/autoload.php',
];
foreach ($loaders as $loader) {
    if (stream_resolve_include_path($loader) !== false) {
        require_once $loader;
    }
}
spl_autoload_register(static function (string $class): void {
    $prefix = 'Regulars\\Connect\\';
    $file = dirname(__DIR__, 2) . '/' . str_replace('\\', '/', substr($class, strlen($prefix))) . '.php';
    if (str_starts_with($class, $prefix) && is_file($file)) {
        require_once $file;
    }
});
foreach (['framework', 'database', 'shop', 'settings', 'setup'] as $stubs) {
    require_once __DIR__ . "/stubs/$stubs.php";
}
