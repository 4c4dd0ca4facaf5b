# Moonbear. `make help` lists every target.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

GO      ?= go
TOOL    := $(GO) tool -modfile=tools/go.mod
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
# A count, not a time: go test reports a target that is stopped by the clock as
# failed now and then ("context deadline exceeded").
FUZZ    ?= 20000x
ROUNDS  ?= 200
# Millions of events, and where bench-size makes them or finds them again.
SIZES   ?= 1,2,10
BENCH   ?= /var/tmp/moonbear-bench
# Packages that many goroutines are in at once: their tests also run under the
# race detector each time. make race is for all.
CROWDED := $(addprefix ./internal/,account collect handover kv kv/redis load salt spool)

# Packages over the control database: their tests run on SQLite and a second
# time on PostgreSQL.
CONTROLLED := $(addprefix ./internal/,account api/apitest app db job site transfer web)

.PHONY: help run test race fuzz crash chaos bench bench-size bench-scale bench-doc screenshots lint generate verify dist deps

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## start Moonbear with demo data on http://127.0.0.1:8080 (data in ./data)
	$(GO) build -o bin/moonbear ./cmd/moonbear
	ENV=development exec bin/moonbear serve --demo

test: deps verify lint ## install what the tests need, check everything, run every test (10 to 20 minutes)
	TEST_LONG=1 .ci/services env -u TEST_POSTGRES_URL $(GO) test -timeout 30m ./...
	.ci/services $(GO) test -timeout 15m $(CONTROLLED)
	$(GO) test -race -timeout 10m $(CROWDED)
	$(MAKE) fuzz
	$(MAKE) dist
	.ci/dist

race: ## the tests under the race detector
	TEST_LONG=1 $(GO) test -race -timeout 60m ./...

fuzz: ## every fuzz target $(FUZZ) times
	@.ci/fuzz $(FUZZ)

crash: ## kill the server $(ROUNDS) times under load; every acknowledged hit must be there once
	$(GO) build -o bin/moonbear ./cmd/moonbear
	$(GO) run ./bench/crash -server bin/moonbear -rounds $(ROUNDS)

chaos: ## break a service of three replicas, one thing at a time, under load (ten minutes)
	$(GO) test ./bench/chaos -count=1 -timeout 40m -v -whole

bench: ## measure everything docs/performance.md promises; fails where a promise is broken
	$(GO) build -o bin/moonbear ./cmd/moonbear
	broken=0; $(GO) run ./bench/load -bin bin/moonbear -data $(BENCH) || broken=1; \
	$(GO) run ./bench/limits -bin bin/moonbear -dir $(BENCH) -campaign small,delete || broken=1; \
	$(GO) run ./bench/size -bin bin/moonbear -data $(BENCH) -sizes $(SIZES) || broken=1; exit $$broken

bench-size: ## of that, how answers, memory and disk grow; SIZES=1,2,10,50 million events
	$(GO) build -o bin/moonbear ./cmd/moonbear
	$(GO) run ./bench/size -bin bin/moonbear -data $(BENCH) -sizes $(SIZES)

bench-scale: SIZES = 10,50
bench-scale: ## DuckDB beside ClickHouse at SIZES=10,50 million events, and a hit's cost with 1 and 4 replicas
	$(GO) build -o bin/moonbear ./cmd/moonbear
	broken=0; export TEST_LONG=1; \
	$(GO) run ./bench/size -bin bin/moonbear -data $(BENCH) -sizes $(SIZES) || broken=1; \
	$(GO) run ./bench/size -bin bin/moonbear -data $(BENCH) -sizes $(SIZES) -store clickhouse || broken=1; \
	.ci/services $(GO) run ./bench/scale -bin bin/moonbear -data $(BENCH) || broken=1; exit $$broken

bench-doc: ## put what bench-size and bench-scale have measured into docs/performance.md and its chart
	$(GO) run ./bench/size -data $(BENCH) -sizes '' -report -doc docs/performance.md -chart docs/performance.svg
	$(GO) run ./bench/scale -data $(BENCH) -rounds 0 -report -doc docs/performance.md

screenshots: ## photograph the pages into docs/screenshots
	$(GO) test ./internal/web -count=1 -run 'TestScreenshots$$' -screenshots "$$PWD/docs/screenshots"

lint: ## gofmt, go vet, staticcheck, the repository's own rules
	@out=$$(git ls-files -z '*.go' | xargs -0 gofmt -l); test -z "$$out" || { echo "gofmt these files: $$out"; exit 1; }
	$(GO) vet ./...
	$(TOOL) staticcheck ./...

generate: ## rebuild the committed files: templates, scripts, styles, tracker
	$(TOOL) templ generate -log-level warn -path internal/web/html
	$(GO) run ./internal/web/assets/build
	$(GO) run ./tracker/build

verify: ## fail if a generated file is not what its source gives, or the tracker is over budget
	@.ci/verify

dist: ## one static binary that needs nothing installed: dist/moonbear
	CGO_ENABLED=1 $(GO) build -trimpath -tags netgo,osusergo,sqlite_omit_load_extension \
		-ldflags '$(LDFLAGS) -linkmode external -extldflags "-static -Wl,--no-warnings"' -o dist/moonbear ./cmd/moonbear
	@! ldd dist/moonbear 2>/dev/null | grep -q '=>' || { echo "dist/moonbear is not static"; exit 1; }
	@ls -lh dist/moonbear

deps: ## install what the tests need that this machine lacks (Debian: chromium, strace)
	@.ci/deps
