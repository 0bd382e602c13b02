# Everything a newcomer or CI runs. Each target installs what it needs and says so.

SWIFT ?= swift
# One build folder for every target and for CI, so that nothing is compiled twice.
SCRATCH ?= .build
SOURCES := Sources Tests Examples Benchmarks Package.swift
BUILD := $(SWIFT) build --scratch-path $(SCRATCH)

.PHONY: help demo demo-terminal test test-peers walk screenshots wasmtime wasm-modules wasm-tools bench bench-server instructions docs \
	format lint dependencies clean

help:
	@echo "make demo     serve a chat on http://127.0.0.1:3000; DEMO='--port 8080' passes options"
	@echo "make demo-terminal  the same chat in the terminal; lines 'name: text' may be piped into it"
	@echo "make test     run all tests"
	@echo "make test-peers  the server against Chromium, Node, Deno, curl and Python's libraries; PEERS='-k reconnect' picks some"
	@echo "make walk     make a package of each template, test it, and serve it; takes minutes. WALK=chat picks one"
	@echo "make screenshots  make the pictures of the command in the README anew"
	@echo "make wasmtime  put Wasmtime's library into .wasmtime, which runs modules in WebAssembly"
	@echo "make wasm-modules  build the modules in C, C++ and Rust that tests and benchmarks run"
	@echo "make bench    run the benchmarks in release; BENCH='transfer --seconds 10' picks one"
	@echo "make bench-server  run those of the server over sockets; BENCH='keynote --only zipf' picks"
	@echo "make instructions  count what hot operations cost, with valgrind"
	@echo "make docs     build the documentation into one archive"
	@echo "make format   format the sources in place"
	@echo "make lint     check the format"
	@echo "make clean    remove the build folder"

# Libraries of the system that the package links: SQLite for the exporter and the benchmarks, LZ4 for the log, zlib and
# Brotli for the server.
dependencies:
	@.ci/install-dependencies >&2 </dev/null

demo: dependencies
	@$(BUILD) --product chat-server
	@"$$($(BUILD) --show-bin-path)/chat-server" $(DEMO)

# The program alone has the standard input and output: nothing before it may eat a line or print one there.
demo-terminal: dependencies
	@$(BUILD) --product chat >&2 </dev/null
	@if [ -t 0 ]; then echo "Type 'name: text'; end with control-D." >&2; fi
	@"$$($(BUILD) --show-bin-path)/chat"

# Without a limit all tests of a run begin at once, and on few cores each of their steps waits minutes for a thread. Those of the
# client, of the command and of the game with clients, which have time limits as their users have, come behind the others still.
export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH ?= 32
TIMED = ^(Spacetime(Client|ClientNIO|ClientKit|Command)|Arena)Tests\.

test: dependencies wasm-tools
	$(SWIFT) test --scratch-path $(SCRATCH) --skip '$(TIMED)'
	$(SWIFT) test --scratch-path $(SCRATCH) --skip-build --filter '$(TIMED)'

wasmtime:
	@.ci/install-wasmtime

wasm-modules:
	@Tests/Modules/build

# What runs modules in WebAssembly, and the modules. Without them their tests are skipped, which is said; in CI, which sets
# SPACETIME_REQUIRE_WASM, nothing is.
wasm-tools:
	@.ci/install-wasmtime >&2 || [ "$$SPACETIME_REQUIRE_WASM" != 1 ]
	@Tests/Modules/build >&2

# What they need beside is installed with the rest, if it is missing.
test-peers: dependencies
	@.ci/install-dependencies --peers >&2 </dev/null
	$(BUILD) --product chat-server
	$(BUILD) --product peer-server
	$(BUILD) --product spacetimekit
	Tests/Peers/run "$$($(BUILD) --show-bin-path)" $(PEERS)

# The pictures in the README, out of what the command prints.
screenshots: dependencies wasm-tools
	$(BUILD) --product spacetimekit
	$(BUILD) --product chat-server
	.ci/screenshots "$$($(BUILD) --show-bin-path)/spacetimekit" "$$($(BUILD) --show-bin-path)/chat-server" \
		.build-modules/chat-c.wasm Sources/SpacetimeCommand/SpacetimeCommand.docc/Pictures

# Not part of CI: a new package compiles everything anew. CI compiles the sources of all templates, and runs their tests.
walk: dependencies
	$(BUILD) --product spacetimekit
	Tests/Templates/walk "$$($(BUILD) --show-bin-path)/spacetimekit" $(WALK)

bench: dependencies wasm-tools
	$(BUILD) --configuration release --product bench >&2
	@"$$($(BUILD) --configuration release --show-bin-path)/bench" $(BENCH)

bench-server: dependencies
	$(BUILD) --configuration release --product bench-server >&2
	@"$$($(BUILD) --configuration release --show-bin-path)/bench-server" $(BENCH)

instructions: dependencies
	$(BUILD) --configuration release --product bench >&2
	@Benchmarks/count-instructions "$$($(BUILD) --configuration release --show-bin-path)/bench"

# The documentation is made from the modules of a debug build.
docs: dependencies
	for product in SpacetimeServer SpacetimeWASM SpacetimeTesting SpacetimeSQLiteExport SpacetimeFoundation; do $(BUILD) --product $$product >&2 || exit 1; done
	@.ci/build-docs $(SCRATCH)

format:
	$(SWIFT) format --in-place --parallel --recursive $(wildcard $(SOURCES))

lint:
	$(SWIFT) format lint --strict --parallel --recursive $(wildcard $(SOURCES))

clean:
	rm -rf $(SCRATCH) .build-modules
