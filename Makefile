# Everything that a person or CI does with this tree. `make` alone lists the targets.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

TARGET := $(or $(CARGO_TARGET_DIR),target)
# Runs the unit tests where it is installed; the scenarios share brokers in one process and stay with cargo's own.
NEXTEST := $(shell cargo nextest --version >/dev/null 2>&1 && echo yes)
DENY := $(shell cargo deny --version >/dev/null 2>&1 && echo yes)

# The order of a target's parts is the order in which a person wants to hear of them.
.NOTPARALLEL:
.PHONY: help build run demo test lint unit kits samples scenarios cassettes deny listing backends bench clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

build: ## leave target/debug/headgate, which serves by itself
	cargo build --locked --package headgate

run: build ## start a host on SQLite with the built-in plugins, in your own data folder
	exec $(TARGET)/debug/headgate serve

demo: ## a real Kafka under control, step by step; KIND=rocketmq: a real RocketMQ; ends what it started
	@tests/demo/run.sh $(KIND)

test: backends lint deny unit kits scenarios ## all that CI runs

lint: ## formatting and lints, nothing let through
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings

unit: build ## all tests but the scenarios
ifeq ($(NEXTEST),yes)
	cargo nextest run --locked --workspace --retries 0 -E 'not binary(scenarios)'
	cargo test --locked --workspace --doc
else
	cargo test --locked --workspace --exclude headgate-tests
	cargo test --locked --package headgate-tests --test tidy
endif

samples: ## the plugins that are not built in, one for each language: plugins/NAME/dist/NAME.wasm (cargo, npm, pip)
	@tests/samples.sh

kits: build samples ## the SDKs for JavaScript and Python, the samples, and a project that the binary makes for each
	@HEADGATE_BIN=$(or $(HEADGATE_BIN),$(abspath $(TARGET))/debug/headgate) tests/kits.sh

scenarios: build samples ## the stories across processes, with real brokers, on SQLite and PostgreSQL; ONLY=drift::sqlite
	cargo test --locked --package headgate-tests --test scenarios $(ONLY)

cassettes: build backends ## record what plugins exchange with real clusters, for the tests; ONLY=kafka
	HEADGATE_BIN=$(abspath $(TARGET))/debug/headgate tests/cassettes/record.sh $(ONLY)

bench: backends ## Headgate against its peers, the native path and bare wasmtime, a release build, real clusters: tables of ratios; KIND=kafka, rocketmq, fleet or plugins: one part
	cargo build --locked --release --package headgate --package headgate-benches
	HEADGATE_BIN=$(abspath $(TARGET))/release/headgate $(TARGET)/release/headgate-benches $(KIND)
ifeq ($(KIND),)
	HEADGATE_KILLS=$(or $(HEADGATE_KILLS),50) HEADGATE_BIN=$(abspath $(TARGET))/release/headgate \
	  cargo test --locked --package headgate-tests --test scenarios kills
endif

deny: ## advisories, licences and sources of the dependencies, where cargo-deny is installed
ifeq ($(DENY),yes)
	cargo deny --locked check bans licenses sources
	@if cargo deny --locked fetch db >/dev/null 2>&1; then cargo deny --locked check advisories; \
	else echo "advisories are not checked: their database cannot be fetched from here"; fi
else
	@echo "cargo-deny is not installed: dependencies are not checked (cargo install --locked cargo-deny)"
endif

listing: ## functions over 70 lines and files over 500
	@cargo test --quiet --locked --package headgate-tests --test tidy listing -- --nocapture --exact --include-ignored | sed -n '/^over /p'

backends: ## install or name what the tests need of the machine
	@tests/backends/install.sh

clean: ## remove what was built
	cargo clean
