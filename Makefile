# Every target does its own set-up: a bare machine needs Rust and make, nothing else.

# Where cargo builds; the plugins' files are in $(TARGET)/plugins.
TARGET := $(or $(CARGO_TARGET_DIR),target)
RUSTDOCFLAGS ?= -D warnings

.DEFAULT_GOAL := help
.PHONY: help setup build demo chaos test extensions browser php check bench fmt lint doc audit clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo '  Environment:'
	@echo '    CARGO_TARGET_DIR   where to build (default: target)'
	@echo '    DEMO               what to pass to the demo, such as DEMO="--for 20"'
	@echo '    CHAOS              what to pass to chaos, such as CHAOS="--kills 200 --seed 7"; CHAOS=--help tells more'
	@echo '    BENCH              what to pass to the benchmark, such as BENCH="--only ingest", or BENCH=--help'
	@echo '    TESTS              what to pass to cargo test, such as TESTS="-p regulars catalog"'
	@echo '    BROWSER            the browser that make browser drives (default: the Chromium that is installed)'
	@echo '    PHP_REQUIRED=yes   fail where PHP is missing and cannot be installed, instead of saying so'
	@echo '    RUSTUP_SECONDS     how long set-up waits for rustup (default: 120)'
	@echo '    ADVISORIES=no      make audit without the advisories, which need the network'

setup: ## Install what is missing: a C compiler, a Rust toolchain for WebAssembly
	@scripts/setup.sh

build: setup ## The host and the plugins, as they ship
	cargo build --release --workspace --bins
	scripts/plugins.sh $(TARGET)/release/regulars

# In the profile of the tests, so that the two share what is compiled.
demo: setup ## A shop's season in a minute: simulated storefront, shoppers and mail server
	cargo build --workspace --bins --tests
	scripts/plugins.sh $(TARGET)/debug/regulars
	$(TARGET)/debug/demo $(DEMO)

# In the profile of the tests, as the demo.
chaos: setup ## The real host under load, killed 50 times, its power cut 30 times, then compared with the sent record
	cargo build --workspace --bins --tests
	scripts/plugins.sh $(TARGET)/debug/regulars
	$(TARGET)/debug/chaos $(CHAOS)
	POWER_CUTS=30 cargo test --workspace --test it -- --nocapture power_cut::host

# The tests are compiled before the plugins are built: one selection of packages has one set of features, so that
# nothing is compiled twice.
test: setup ## All tests, on the plugins as they ship
	cargo build --workspace --bins --tests
	scripts/plugins.sh $(TARGET)/debug/regulars
	cargo test $(or $(TESTS),--workspace)
	$(if $(TESTS),,scripts/php.sh)

extensions: ## The Shopify extensions: types, theme check, tests in a browser's document; needs Node.js
	scripts/extensions.sh $(TARGET)

browser: setup ## The admin page in a real browser; needs Node.js and Chromium
	cargo build --workspace --bins --tests
	scripts/plugins.sh $(TARGET)/debug/regulars
	scripts/browser.sh $(TARGET)

check: fmt lint ## The quick loop: format, lints, unit tests
	REGULARS_SEEDS=$(or $(REGULARS_SEEDS),200) cargo test --workspace --lib --bins

# One selection of packages for all that is compiled, as in `test`.
bench: setup ## Measurements beside their ceilings and their peers, as ratios in one run; about 20 minutes
	cargo build --release --workspace --bins --bench host
	scripts/plugins.sh $(TARGET)/release/regulars
	scripts/peers.sh $(TARGET)
	cargo bench --workspace --bench host -- $(BENCH)

fmt: ## Format all code
	cargo fmt --all

lint: setup ## Clippy, with warnings as errors
	cargo clippy --workspace --all-targets -- -D warnings

doc: setup ## The code's own documentation, with warnings as errors
	RUSTDOCFLAGS="$(RUSTDOCFLAGS)" cargo doc --workspace --no-deps --document-private-items

audit: setup ## Dependencies: licences, sources, versions, and advisories where cargo-deny is installed
	scripts/audit.sh

php: ## The Magento module: syntax, coding standard, unit tests
	scripts/php.sh

clean: ## Delete everything that was built
	cargo clean
