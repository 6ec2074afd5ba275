# Everything there is to do with the sources; plain `make` says what.
SHELL := bash

ADDR ?= 127.0.0.1:4510
STORE ?= ./data
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null)
MODULES := . $(patsubst %/go.mod,%,$(wildcard tools/go.mod e2e/go.mod))
SOURCES := go.mod go.sum $(wildcard web/*.go web/*.html) $(shell find cmd internal -type f -not -name '*_test.go' -not -path '*/testdata/*' 2>/dev/null)

# The console is built where Node and its sources are. A hub without it serves a page that says how.
NPM := $(if $(shell command -v node),$(shell command -v npm))
ifneq ($(and $(NPM),$(wildcard web/package-lock.json)),)
CONSOLE := web/dist/index.html
CONSOLE_SOURCES := $(wildcard web/package.json web/index.html web/*.config.* web/tsconfig*.json web/scripts/*) \
	$(shell find web/src web/public -type f -not -name '*.test.*' 2>/dev/null)
endif

TESTFLAGS ?=
FUZZTIME ?= 20s
BENCH ?= .
BENCHTIME ?= 1s
BENCHCOUNT ?= 1
# Batches of 100 findings in each row of the whole way.
BENCHSERVE ?= 600
# The same on PostgreSQL.
BENCHSERVEPOSTGRES ?= 400
# Batches of 100 findings that a hub with a sink and one without get, and as many at 5,000 findings a second.
BENCHEVENTS ?= 1200
# How many findings the questions are asked about, a column each; a quick look: make bench-find BENCHFIND=100000
BENCHFIND ?= 1000000 5000000

.PHONY: help run build test browser screenshots lint gen fuzz bench bench-find bench-postgres bench-all check
.DELETE_ON_ERROR:

help:
	@echo 'make run      build what is missing and serve on http://$(ADDR), findings in $(STORE)'
	@echo 'make build    bin/hubcap, static, with the console where Node is there to build it'
	@echo 'make test     every test of every module with the race detector'
	@echo 'make browser  the console in a Chromium against bin/hubcap: BROWSERFLAGS="-g findings"; screenshots in bin/screenshots'
	@echo 'make screenshots  docs/images of the README, from the demo'
	@echo 'make lint     golangci-lint over every module, at the version pinned in tools/go.mod; tsc and ESLint over web'
	@echo 'make gen      the ASFF schema and the API from the AWS SDK pinned in tools/go.mod, docs/operations.md from the sources'
	@echo 'make fuzz     every fuzz target for FUZZTIME=$(FUZZTIME)'
	@echo 'make bench    the table of figures, with machine and versions; written to bin/bench.txt too'
	@echo 'make bench-find  its second half alone: what people ask, at BENCHFIND="$(BENCHFIND)" findings'
	@echo 'make bench-postgres  its third part alone: the same on PostgreSQL, at the first of those numbers'
	@echo 'make bench-all  every benchmark: BENCH=$(BENCH) BENCHTIME=$(BENCHTIME) BENCHCOUNT=$(BENCHCOUNT)'
	@echo 'make check    lint and test'

run: build
	bin/hubcap serve --addr $(ADDR) --store $(STORE)

build: bin/hubcap

# The order of the lines is the order of what may be missing: Node's packages, the console, the binary. Each is made when what it is made of is newer.
web/node_modules/.package-lock.json: web/package-lock.json
	cd web && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

web/dist/index.html: web/node_modules/.package-lock.json $(CONSOLE_SOURCES)
	cd web && npm run --silent build && node scripts/compress.mjs
	@touch $@

bin/hubcap: $(SOURCES) $(CONSOLE)
	@$(if $(CONSOLE),true,echo 'without the console: it needs Node.js 20.19 or newer with npm' >&2)
	@command -v go >/dev/null || { echo 'hubcap is built with Go 1.26 or newer: https://go.dev/doc/install' >&2; exit 1; }
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w $(if $(VERSION),-X main.version=$(VERSION))' -o $@ ./cmd/hubcap

# A module that cannot be tested at all writes no events, so its failure is added as one.
test: build bin/testreport
	@set -u; { for m in $(MODULES); do \
		count=; if [ $$m = e2e ]; then count=-count=1; fi; \
		(cd $$m && HUBCAP_BIN=$(CURDIR)/bin/hubcap go test -json -race -timeout 25m $$count $(TESTFLAGS) ./...) \
			|| echo "{\"Action\":\"fail\",\"Package\":\"module $$m\"}"; \
	done; $(webtest); } | bin/testreport

# The console's tests: its parts, then a browser against the binary, which needs a Chromium.
ifdef CONSOLE
webtest = cd web; npx vitest run --reporter=./scripts/vitest_events.mjs || echo '{"Action":"fail","Package":"web"}'; \
	HUBCAP_BIN=$(CURDIR)/bin/hubcap node scripts/browser.mjs --events || echo '{"Action":"fail","Package":"web/e2e"}'
else
webtest = echo '{"Action":"output","Package":"web","Test":"console","Output":"    Makefile.mjs:1: Node.js or npm is not installed\n"}'; \
	echo '{"Action":"skip","Package":"web","Test":"console"}'
endif

browser: build
	cd web && HUBCAP_BIN=$(CURDIR)/bin/hubcap node scripts/browser.mjs $(BROWSERFLAGS)

screenshots: build
	cd web && HUBCAP_BIN=$(CURDIR)/bin/hubcap HUBCAP_SCREENSHOTS=$(CURDIR)/docs/images node scripts/browser.mjs --project=screenshots

lint: bin/golangci-lint $(if $(CONSOLE),web/node_modules/.package-lock.json)
	@set -u; status=0; for m in $(MODULES); do \
		echo "== $$m"; (cd $$m && $(CURDIR)/bin/golangci-lint run --config $(CURDIR)/.golangci.yml --timeout 15m ./...) || status=1; \
	done; $(if $(CONSOLE),echo '== web'; (cd web && npm run --silent lint) || status=1;) exit $$status

gen:
	cd tools && go generate ./...

fuzz:
	@set -eu; grep -rn --include='*_test.go' '^func Fuzz' cmd internal | sed -E 's/^(.*)\/[^/]+:[0-9]+:func (Fuzz\w+)\(.*/\1 \2/' | \
	while read -r dir name; do \
		echo "== $$dir $$name"; go test -run '^$$' -fuzz "^$$name$$" -fuzztime $(FUZZTIME) "./$$dir"; \
	done

# With BENCHCOUNT above 1 the store's rows are separate runs: -count would insert into a store that has the findings already.
# The table: the reader alone; the store alone beside Pebble's bare put of the same documents; the whole way over HTTP with
# signatures; the same with a webhook, and its lag. All of one run, written to bin/bench.txt as well: compare two with bin/benchstat old.txt new.txt.
bench: bin/benchtable bin/benchstat
	@set -euo pipefail; { \
		echo "hubcap: $(or $(VERSION),unknown)"; go version; uname -srm; \
		echo "$$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -1), $$(getconf _NPROCESSORS_ONLN) processors"; \
		go list -m -f '{{.Path}} {{.Version}}' github.com/cockroachdb/pebble/v2; \
		go test -run '^$$' -bench '^BenchmarkBatchRead$$' -count $(BENCHCOUNT) ./internal/asff; \
		for i in $$(seq $(BENCHCOUNT)); do \
			go test -run '^$$' -bench '^BenchmarkStore$$/^(read|bare-put|insert|update)$$' -benchtime 1x ./internal/store/embedded; \
		done; \
		go test -run '^$$' -bench '^BenchmarkServe$$' -benchtime $(BENCHSERVE)x -count $(BENCHCOUNT) -timeout 30m ./cmd/hubcap; \
		go test -run '^$$' -bench '^BenchmarkEvents$$' -benchtime $(BENCHEVENTS)x -count $(BENCHCOUNT) -timeout 30m ./cmd/hubcap; \
		$(questions); \
		go test -run '^$$' -bench '^BenchmarkServePostgres$$' -benchtime $(BENCHSERVEPOSTGRES)x -count $(BENCHCOUNT) -timeout 60m ./cmd/hubcap; \
		$(questionspostgres); \
	} > bin/bench.txt || { cat bin/bench.txt; exit 1; }
	@bin/benchtable < bin/bench.txt

# A hub with so many findings on disk, in a process of its own, is asked over HTTP with checked signatures: pages of 100, warm, then the
# same while 4 clients import; then both exports, its memory, how long it takes to open, and how long a sweep lets others wait. The table
# marks what misses its goal.
questions = for n in $(BENCHFIND); do \
		HUBCAP_BENCH_FINDINGS=$$n go test -run '^$$' -bench '^BenchmarkQuestions$$' -benchtime 1x -timeout 120m ./cmd/hubcap; \
	done

# The same of a hub on PostgreSQL, where that is installed.
questionspostgres = for n in $(firstword $(BENCHFIND)); do \
		HUBCAP_BENCH_FINDINGS=$$n go test -run '^$$' -bench '^BenchmarkQuestionsPostgres$$' -benchtime 1x -timeout 120m ./cmd/hubcap; \
	done

bench-postgres: bin/benchtable
	@set -euo pipefail; { \
		go test -run '^$$' -bench '^BenchmarkServePostgres$$' -benchtime $(BENCHSERVEPOSTGRES)x -count $(BENCHCOUNT) -timeout 60m ./cmd/hubcap; \
		$(questionspostgres); \
	} > bin/bench-postgres.txt || { cat bin/bench-postgres.txt; exit 1; }
	@bin/benchtable < bin/bench-postgres.txt

bench-find: bin/benchtable
	@set -euo pipefail; { $(questions); } > bin/bench-find.txt || { cat bin/bench-find.txt; exit 1; }
	@bin/benchtable < bin/bench-find.txt

# Every benchmark of every package, as go test prints it.
bench-all:
	go test -run '^$$' -bench '$(BENCH)' -benchmem -benchtime $(BENCHTIME) -count $(BENCHCOUNT) -timeout 60m ./...

check: lint test

# The tools live in their own module; -C builds them there.
bin/golangci-lint: tools/go.mod
	go build -C tools -o ../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

bin/benchstat: tools/go.mod
	go build -C tools -o ../$@ golang.org/x/perf/cmd/benchstat

bin/benchtable: tools/benchtable/main.go
	go build -C tools -o ../$@ ./benchtable

bin/testreport: tools/testreport/main.go
	go build -C tools -o ../$@ ./testreport
