# make up | down | test | fuzz | bench | dist: each does all its own set-up. The inner loop is `node --run …` (CONTRIBUTING.md).
.PHONY: setup up down test check fuzz bench dist clean

node = ./node_modules/node/bin/node

setup:
	@sh tools/setup.sh

up: setup
	@$(node) tools/up.ts

down:
	@if [ -x $(node) ]; then $(node) tools/down.ts $(if $(PURGE),--purge); else echo "nothing is set up, so nothing runs"; fi

test:
	@sh tools/setup.sh tests
	@$(node) tools/test.ts

check: setup
	@PATH="$(CURDIR)/node_modules/.bin:$$PATH" sh -c 'biome check . && tsc -p .'

# FUZZ_SECONDS, 600 without; what is found is printed so that it can be tried again.
fuzz: setup
	@$(node) test/fuzz/run.ts

bench: setup
	@$(node) bench/bench.ts --write

dist:
	@echo 'make dist: the self-extracting release is not built yet; run ./wherry from the checkout' >&2; exit 1

clean:
	rm -rf node_modules build dist
