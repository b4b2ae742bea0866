# One command for each habit. Everything is idempotent; nothing asks a question.
#   make up      build, start everything with demo data, print address and sign-in (Ctrl-C stops it)
#   make test    everything .ci/run checks
#   make lint | bench | demo | crash-test ROUNDS=20 | erasure-test SUBJECTS=1000 | tamper-test BUNDLES=20000 | fuzz SECONDS_EACH=600 | prices | clean

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/ai-audit-layer
export CARGO_TARGET_DIR ?= $(CACHE)/target
export CARGO_TERM_COLOR ?= never
BIN := $(CARGO_TARGET_DIR)/debug
DATA ?= data
ROUNDS ?= 20
EVENTS ?= 50000
BUNDLES ?= 20000
SUBJECTS ?= 1000
SECONDS_EACH ?= 600
TARGETS ?=

.PHONY: help up demo build engine kafka go-tools console test test-rust test-console test-python test-typescript sdk-programs sdk-typescript lint-sdks lint fmt deny bench crash-test tamper-test erasure-test fuzz prices packages packages-test clean

help:
	@sed -n '2,5s/^# \{0,1\}//p' Makefile

packages:
	@scripts/install-packages.sh run

packages-test:
	@scripts/install-packages.sh test

engine:
	@scripts/fetch-engine.sh >/dev/null

kafka:
	@scripts/fetch-kafka.sh >/dev/null

# Programs in Go that tests run our logs and stores against.
go-tools:
	@scripts/fetch-tessera.sh >/dev/null
	@scripts/fetch-minio.sh >/dev/null
	@scripts/fetch-litewitness.sh >/dev/null
	@scripts/fetch-torchwood-check.sh >/dev/null

CONSOLE := dashboards/console
CONSOLE_SOURCES := $(shell find $(CONSOLE)/src $(CONSOLE)/index.html $(CONSOLE)/package-lock.json $(CONSOLE)/vite.config.ts -type f 2>/dev/null)

$(CONSOLE)/node_modules/.stamp: $(CONSOLE)/package-lock.json
	cd $(CONSOLE) && npm ci --no-audit --no-fund --loglevel=error
	touch $@

$(CONSOLE)/dist/index.html: $(CONSOLE)/node_modules/.stamp $(CONSOLE_SOURCES)
	cd $(CONSOLE) && npm run --silent build
	touch $@

console: $(CONSOLE)/dist/index.html

build: packages
	cargo build --locked -p audit -p aal-olap-engine -p aal-log-engine

up: packages engine console build
	exec $(BIN)/audit up --data $(DATA) --console-dir $(CONSOLE)/dist --demo

demo: build
	$(BIN)/audit demo --data $(DATA)

lint: fmt deny lint-sdks
	cargo clippy --locked --workspace --all-targets -- -D warnings

SDK_TS := sdk/typescript

$(SDK_TS)/node_modules/.stamp: $(SDK_TS)/package-lock.json
	cd $(SDK_TS) && npm ci --no-audit --no-fund --loglevel=error
	touch $@

sdk-typescript: $(SDK_TS)/node_modules/.stamp
	cd $(SDK_TS) && npm run --silent build

lint-sdks: $(SDK_TS)/node_modules/.stamp
	python=$$(scripts/sdk-python-env.sh) && cd sdk/python && \
	$$python -m ruff check -q . ../../tests/sdk-conformance ../../tests/otel-clients && \
	$$python -m ruff format -q --check . ../../tests/sdk-conformance ../../tests/otel-clients && $$python -m mypy
	cd $(SDK_TS) && npm run --silent lint

fmt:
	cargo fmt --all --check

deny:
	scripts/deny.sh

test: packages-test engine kafka go-tools lint test-console test-python test-typescript test-rust

test-console: console
	cd $(CONSOLE) && npm run --silent lint && npm test --silent

sdk-programs:
	cargo build --locked -p aal-fake-provider
	cargo build --locked -p aal-client --example conformance

test-python: sdk-programs sdk-typescript
	AAL_BIN_DIR=$(BIN) scripts/test-sdk-python.sh

test-typescript: sdk-programs sdk-typescript
	cd $(SDK_TS) && AAL_BIN_DIR=$(BIN) npm test --silent

test-rust: build console
	AAL_BIN_DIR=$(BIN) AAL_CONSOLE_DIR=$(CURDIR)/$(CONSOLE)/dist cargo test --locked --workspace --no-fail-fast

bench: packages engine kafka
	cargo build --locked --release -p audit -p aal-olap-engine -p aal-log-engine -p aal-fake-provider -p ingest -p bench
	AAL_BIN_DIR=$(CARGO_TARGET_DIR)/release $(CARGO_TARGET_DIR)/release/bench all

crash-test: packages engine build
	AAL_BIN_DIR=$(BIN) AAL_CRASH_ROUNDS=$(ROUNDS) AAL_CRASH_EVENTS=$(EVENTS) cargo test --locked -p audit-tests --test crash -- --nocapture

# 1,000 people, a tenth of them erased through kills and restored backups.
erasure-test: packages engine build
	AAL_BIN_DIR=$(BIN) AAL_ERASURE_SUBJECTS=$(SUBJECTS) AAL_ERASURE_KILLS=$(ROUNDS) cargo test --locked -p audit-tests --test erasure -- --nocapture

# Everything an administrator or a forger can do, against a running pipeline and against bundles; prints a table and counts.
# AAL_TAMPER_GROUPS=columns,bytes,proofs,rows,anchor,witness,rollback chooses among those of the pipeline.
TAMPER_COUNTS := $(CARGO_TARGET_DIR)/tamper-bundles
tamper-test: packages-test engine build
	AAL_TAMPER_COUNTS=$(TAMPER_COUNTS) AAL_TAMPER_BUNDLES=$(BUNDLES) cargo test --locked -p aal-fuzz --test agreement -- --nocapture
	AAL_TAMPER_COUNTS=$(TAMPER_COUNTS) AAL_BIN_DIR=$(BIN) AAL_TAMPER=full cargo test --locked -p audit-tests --test tamper -- --nocapture

fuzz:
	scripts/fuzz.sh $(SECONDS_EACH) $(TARGETS)

prices:
	python3 scripts/import-prices.py

clean:
	rm -rf $(CONSOLE)/dist $(CONSOLE)/node_modules $(DATA)
	@echo "the build cache stays in $(CACHE); remove it by hand if you want a cold build"
