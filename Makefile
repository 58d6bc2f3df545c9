# A thin front to CMake's presets and the scripts in tools/. `make` alone lists the targets.
.PHONY: help build demo test lint format interop e2e bench clean
.DEFAULT_GOAL := help

help: ## This list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## Set up the machine and build the program (build/release/src/flux-metrics-api)
	@tools/timed.sh "make build" tools/build.sh release flux-metrics-api

demo: ## Build, then watch a simulated MiniCluster go 2 -> 4 -> 2 with its queue
	@tools/timed.sh "make demo" sh -c 'tools/build.sh release flux-metrics-api && build/release/src/flux-metrics-api demo'

test: ## Build, then run all unit and black-box tests
	@tools/timed.sh "make test" tools/check.sh release

lint: ## Formatting, clang-tidy over src, self-contained headers, the rules of the tree
	@tools/timed.sh "make lint" tools/lint.sh

format: ## Rewrite the C++ files as .clang-format says
	@tools/timed.sh "make format" tools/lint.sh format

interop: ## Tests against a real Flux, when `flux` is on PATH (SCHED=simple or SCHED=fluxion: under that scheduler only)
	@SCHED="$(SCHED)" tools/interop.sh

e2e: ## Tests under a real Kubernetes control plane (root, Go >= 1.26): make e2e CASE="hpa-article ..." K8S=1.36.3 OPERATOR=manager
	@tools/e2e.sh $(CASE)

bench: ## Measure: HTTP beside nginx, the collector by size (bench/README.md): make bench PART=http
	@tools/timed.sh "make bench" tools/bench.sh $(PART)

clean: ## Remove everything that was built
	@rm -rf build
