# Thin front of meson: every target installs what is missing (NO_INSTALL=1 only names it), then builds.
# Run as root for everything that captures.

MESON_SETUP = meson setup
RELEASE = build
SANITIZED = build-test
NINJA = ninja -C

.PHONY: build run demo test test-kernels bench lint fuzz install clean

build:
	@scripts/packages build
	@test -f $(RELEASE)/build.ninja || $(MESON_SETUP) $(RELEASE) -Dbuildtype=release -Dtests=false
	@$(NINJA) $(RELEASE) --quiet

run: build
	@mkdir -p -m 0750 var
	@exec $(RELEASE)/ethogram run -c etc/dev.yaml

demo: build
	@exec scripts/demo $(DEMO_ARGS)

test:
	@scripts/packages test
	@test -f $(SANITIZED)/build.ninja || $(MESON_SETUP) $(SANITIZED) -Dbuildtype=debugoptimized \
		-Db_sanitize=address,undefined -Db_lundef=false -Dtests=true -Dcheck_plans=true
	@$(NINJA) $(SANITIZED) --quiet
	@/usr/bin/python3 tests/run.py $(SANITIZED)

bench: build
	@scripts/packages bench
	@test -f build-bench/build.ninja || $(MESON_SETUP) build-bench -Dbuildtype=release -Dtests=true
	@$(NINJA) build-bench --quiet
	@/usr/bin/python3 tests/bench/bench.py build-bench --json $(RELEASE)/bench.json $(BENCH_ARGS)

test-kernels:
	@scripts/packages kernels
	@test -f build-bench/build.ninja || $(MESON_SETUP) build-bench -Dbuildtype=release -Dtests=true
	@$(NINJA) build-bench --quiet
	@/usr/bin/python3 tests/kernels/run --build build-bench

lint:
	@scripts/packages test
	@/usr/bin/python3 tests/lint/lint.py

fuzz:
	@scripts/packages fuzz
	@tests/fuzz/run

install: build
	@$(NINJA) $(RELEASE) install

clean:
	rm -rf $(RELEASE) $(SANITIZED) build-bench
