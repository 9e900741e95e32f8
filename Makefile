# Everything that is done with this repository. `make` alone lists it; `make test` is all that CI checks.
#
# Settings: SEEDS and FROM (make oracle), SHARED (where the reference and the extracts lie), KAFKA_PORT (make kafka), CARGO.

CARGO  ?= cargo
SHARED ?= ../shared
SEEDS  ?= 200
FROM   ?= 1

KAFKA_PORT ?= 9092

ORACLE := $(SHARED)/oracle/ledger_oracle.py
VIGIE  := target/release/vigie
SAMPLE := target/sample
REAL   := target/real
TESTED := target/backtest
TOOL   := $(CARGO) test --locked --quiet --test against_oracle --
KAFKA  := docker/kafka-local/kafka

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help test tools fmt clippy unit doc deny build demo sample real backtest bench bench-peers bench-micro oracle golden scenarios
.PHONY: kafka kafka-stop kafka-jars grafana grafana-live docker-check outside live browser debug

help: ## This list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: tools fmt clippy unit doc deny grafana docker-check live browser ## All that CI checks: format, lints, tests, documentation, licences, and a demo asked by others

# A C compiler builds the compressors and, with C++, make and OpenSSL, the client of Kafka; Java and Maven run Kafka itself.
# Prometheus asks the dashboards' questions, Node and Python run the validators that are not ours.
# They are installed only where they are missing and where that is allowed.
tools:
	@missing=""; \
	command -v cc >/dev/null || missing="$$missing gcc libc6-dev"; \
	command -v c++ >/dev/null || missing="$$missing g++"; \
	command -v pkg-config >/dev/null || missing="$$missing pkg-config"; \
	pkg-config --exists openssl 2>/dev/null || missing="$$missing libssl-dev"; \
	command -v java >/dev/null || missing="$$missing default-jre-headless"; \
	command -v mvn >/dev/null || missing="$$missing maven"; \
	command -v promtool >/dev/null || missing="$$missing prometheus"; \
	command -v npm >/dev/null || missing="$$missing nodejs npm"; \
	python3 -c 'import ensurepip' 2>/dev/null || missing="$$missing python3-venv"; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "installing:$$missing"; \
	    export DEBIAN_FRONTEND=noninteractive; \
	    apt-get update -qq && apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	elif command -v cc >/dev/null; then \
	    echo "missing, going on without:$$missing"; \
	else \
	    echo "missing:$$missing. Install them, or run make as root where apt-get is, and run make again." >&2; exit 1; \
	fi

fmt:
	@if $(CARGO) fmt --version >/dev/null 2>&1; then \
	    echo "$(CARGO) fmt --check"; $(CARGO) fmt --check; \
	else \
	    echo "*** NOT CHECKED: the format. rustfmt is missing: rustup component add rustfmt"; \
	fi

clippy:
	@if $(CARGO) clippy --version >/dev/null 2>&1; then \
	    echo "$(CARGO) clippy --all-targets --locked -- -D warnings"; \
	    $(CARGO) clippy --all-targets --locked -- -D warnings; \
	else \
	    echo "*** NOT CHECKED: the lints. clippy is missing: rustup component add clippy"; \
	fi

unit: kafka-jars
	$(CARGO) test --locked

# The tests on Kafka start brokers of their own from these.
kafka-jars: tools
	@$(KAFKA) jars

kafka: tools ## A Kafka broker on this machine, without Docker: make kafka KAFKA_PORT=9092
	@$(KAFKA) start $(KAFKA_PORT)

kafka-stop: ## Ends it: make kafka-stop KAFKA_PORT=9092
	@$(KAFKA) stop $(KAFKA_PORT)

grafana: tools ## The dashboards by Grafana's own types, the alert rules by promtool
	tests/grafana/run files

# These look at a running demo by the debug binary, which the tests have built already; make live VIGIE=target/release/vigie takes
# another one as it is.
debug: tools
	$(CARGO) build --locked

grafana-live docker-check outside live browser: export VIGIE := target/debug/vigie

grafana-live: debug ## Dashboards and rules on a real Prometheus that reads a running demo: data for every expression
	tests/grafana/run live

docker-check: debug ## Dockerfile, compose.yml and the Kubernetes manifests, by what runs without Docker
	tests/docker/run

outside: debug ## Outputs, schemas and the AsyncAPI document, by validators that are not ours
	tests/outside/run asyncapi
	tests/outside/run outputs

live: debug ## A running demo, open and with tokens, worked with and asked by Prometheus, schemathesis and validators
	tests/live/run

browser: debug ## The console in a real browser, Debian's Chromium, on a running demo; screenshots are kept in target/browser
	@if ! command -v chromium >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "installing: chromium"; \
	    export DEBIAN_FRONTEND=noninteractive; \
	    apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	fi
	@if ! command -v chromium >/dev/null && [ -z "$$VIGIE_BROWSER" ]; then \
	    echo "*** NOT CHECKED: the console in a browser. chromium is missing: install it, or name another in VIGIE_BROWSER"; \
	else echo "tests/browser/run"; tests/browser/run; fi

doc:
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --no-deps --locked

deny:
	@if $(CARGO) deny --version >/dev/null 2>&1; then \
	    echo "$(CARGO) deny --locked check"; $(CARGO) deny --locked check; \
	else \
	    echo "*** NOT CHECKED: licences and advisories. cargo-deny is missing: cargo install --locked cargo-deny"; \
	fi

build: tools
	$(CARGO) build --release --locked

demo: build ## All of it in one process, without a server: open the address that it prints; Ctrl-C ends it
	$(VIGIE) demo

sample: build ## A generated portfolio through the engine: its summary, the ten worst buyers, the alerts
	@mkdir -p $(SAMPLE)
	$(VIGIE) generate --preset small --seed 1 --output $(SAMPLE)/events.jsonl
	$(VIGIE) replay $(SAMPLE)/events.jsonl --report $(SAMPLE)/report.csv --outputs $(SAMPLE)/outputs.jsonl
	@echo "written to $(SAMPLE): events.jsonl, report.csv, outputs.jsonl"

real: build ## The two public extracts, imported and replayed (where SHARED names them)
	@if [ ! -d "$(SHARED)/data" ]; then \
	    echo "$(SHARED)/data is not there: the extracts are not part of this repository." >&2; \
	    echo "Name the folder that holds them: make real SHARED=/path/to/shared" >&2; exit 1; \
	fi
	@mkdir -p $(REAL)
	$(VIGIE) import --map nuclea $(SHARED)/data/nuclea/boletos.csv --output $(REAL)/nuclea.jsonl
	$(VIGIE) replay $(REAL)/nuclea.jsonl --base BRL --report $(REAL)/nuclea-report.csv \
	    --outputs $(REAL)/nuclea-outputs.jsonl
	$(VIGIE) import --map nuclea_companies $(SHARED)/data/nuclea/empresas.csv --output $(REAL)/nuclea-ratings.jsonl
	cat $(REAL)/nuclea-ratings.jsonl $(REAL)/nuclea.jsonl > $(REAL)/nuclea-companies.jsonl
	$(VIGIE) import --map highradius $(SHARED)/data/highradius/closed_invoices.csv \
	    $(SHARED)/data/highradius/open_invoices.csv --output $(REAL)/highradius.jsonl
	$(VIGIE) replay $(REAL)/highradius.jsonl --base USD --report $(REAL)/highradius-report.csv \
	    --outputs $(REAL)/highradius-outputs.jsonl
	@echo "written to $(REAL): the events, report and outputs of each extract, and in nuclea-companies.jsonl the boletos"
	@echo "after the companies' undated ratings"

# 10,000 buyers as the preset wholesaler has them; a hundred of them or so become insolvent.
backtest: build ## How well scores and alerts would have warned, on a generated portfolio and the extracts
	@mkdir -p $(TESTED)
	$(VIGIE) generate --preset wholesaler --buyers 10000 --seed 1 --output $(TESTED)/portfolio.jsonl.zst \
	    --truth $(TESTED)/truth.jsonl
	$(VIGIE) backtest $(TESTED)/portfolio.jsonl.zst --label insolvency --truth $(TESTED)/truth.jsonl \
	    --report $(TESTED)/portfolio.html
	@if [ ! -d "$(SHARED)/data" ]; then \
	    echo "$(SHARED)/data is not there, so the extracts are left out: make backtest SHARED=/path/to/shared"; \
	else $(MAKE) --no-print-directory backtest-extracts; fi

# Paid invoices alone: of the open ones nobody knows yet how late they will be.
.PHONY: backtest-extracts
backtest-extracts:
	$(VIGIE) import --map highradius $(SHARED)/data/highradius/closed_invoices.csv --output $(TESTED)/highradius.jsonl
	for days in 0 5 30; do \
	    $(VIGIE) backtest $(TESTED)/highradius.jsonl --base USD --label "late>$$days" \
	        --report $(TESTED)/highradius-late-$$days.html || exit 1; \
	done
	$(VIGIE) import --map nuclea $(SHARED)/data/nuclea/boletos.csv --output $(TESTED)/nuclea.jsonl
	$(VIGIE) backtest $(TESTED)/nuclea.jsonl --base BRL --min-history 0 --label 'late>30' --report $(TESTED)/nuclea.html
	@if [ -f $(REAL)/nuclea-companies.jsonl ]; then \
	    echo "with the companies' indicators, which have no date of their own, told first:"; \
	    $(VIGIE) backtest $(REAL)/nuclea-companies.jsonl $(TESTED)/nuclea.jsonl --base BRL --min-history 0 \
	        --label 'late>30' --report $(TESTED)/nuclea-indicators.html; \
	fi
	@echo "written to $(TESTED): the events and a report of each"

# All sides in one table, under an hour on two quiet cores: make bench PARTS="cost latency memory recovery" EVENTS=3000000 RUNS=3
# SIDES="reduced streams-memory"; benches/peers/README.md says what they are. BENCH takes any further arguments.
PARTS ?=
SIDES ?=
EVENTS ?=
RUNS ?=
BENCH ?=
empty :=
comma := ,
list = $(subst $(empty) $(empty),$(comma),$(strip $(1)))

bench: bench-peers kafka-jars ## vigie beside Kafka Streams, Flink and a bare consumer: make bench PARTS=cost SIDES="reduced flink-heap"
	$(CARGO) bench --locked --bench peers -- $(if $(PARTS),--parts $(call list,$(PARTS))) \
	    $(if $(SIDES),--sides $(call list,$(SIDES))) $(if $(EVENTS),--events $(EVENTS)) $(if $(RUNS),--runs $(RUNS)) $(BENCH)

bench-peers: tools ## Builds the two peers, Kafka Streams and Flink, from Maven Central into target/peers
	mvn --quiet --batch-mode --no-transfer-progress -Dstyle.color=never -Dout=$(abspath target/peers) \
	    --file benches/peers/pom.xml package

bench-micro: ## The benchmarks of single parts
	$(CARGO) bench --locked --bench apply --bench day_roll --bench decode --bench large --bench memory --bench replay --bench stored

oracle: ## Random files against the reference implementation: make oracle SEEDS=200 FROM=1
	@if [ ! -f "$(ORACLE)" ]; then \
	    echo "$(ORACLE) is not there: the reference implementation is not part of this repository." >&2; \
	    echo "Name the folder that holds oracle/: make oracle SHARED=/path/to/shared" >&2; exit 1; \
	fi
	@command -v python3 >/dev/null || { echo "python3 is missing: the reference implementation is written in it" >&2; exit 1; }
	$(TOOL) compare --oracle $(abspath $(ORACLE)) --seeds $(SEEDS) --from $(FROM)

golden: ## Makes tests/golden/oracle anew with the reference implementation
	$(TOOL) golden --oracle $(abspath $(ORACLE)) --folder tests/golden/oracle

scenarios: ## Rewrites the effects in tests/scenarios from what the engine does now: read the difference
	UPDATE=1 $(CARGO) test --locked --test scenarios

.PHONY: params
params: ## Rewrites params.toml, the documented defaults, from the code
	UPDATE=1 $(CARGO) test --locked --lib the_file_at_the_top_says_every_default

# One after another, so that each has the machine to itself; SEED=N repeats the chances of a run, TEST=name takes one kind.
FAULTS_TOOL := $(CARGO) test --locked --test kafka -- --nocapture --test-threads 1
TEST  ?= faults:: snapshots:: same_bytes:: proxy::
HOURS ?= 4

.PHONY: faults soak
faults: kafka-jars ## Kills, breaks, sleepers, late commits, damaged snapshots, on a real Kafka: outputs must stay exact
	FAULTS=full $(FAULTS_TOOL) $(TEST)

soak: kafka-jars ## The same as often as a release needs it: make soak HOURS=4
	FAULTS=soak HOURS=$(HOURS) $(FAULTS_TOOL) $(TEST)
