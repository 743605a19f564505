# The two commands of the README: `make say TEXT="..."` and `make test`.
PYTHON ?= python3
TEXT ?= The quick brown fox jumps over the lazy dog.
OUT ?= out.wav
export TEXT OUT

PIP = bin/pip install --quiet --disable-pip-version-check --constraint constraints.txt
# Threads of torch that wait shall not keep the others from work.
PASSIVE = OMP_WAIT_POLICY=PASSIVE GOMP_SPINCOUNT=0
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.PHONY: say test lint browser clean

say: .venv/installed
	@.venv/bin/vinovits say --out "$$OUT" -- "$$TEXT"

test: lint browser
	$(PASSIVE) .venv-test/bin/pytest -n auto --maxprocesses 4 --dist loadfile -m "not extra"
	NO_MKDOCS_2_WARNING=1 .venv-test/bin/mkdocs build --quiet --strict

lint: .venv-test/installed
	.venv-test/bin/ruff check
	.venv-test/bin/ruff format --check
	.venv-test/bin/mypy

# The page is tested in a browser, which is Debian's.
browser:
	@{ command -v chromium && command -v chromedriver; } > /dev/null || { \
	  echo "Installing Debian's chromium and chromium-driver ..."; $(SUDO) apt-get update && \
	  $(SUDO) apt-get install -y --no-install-recommends chromium chromium-driver; }

clean:
	rm -rf .venv .venv-test site out.wav

# Python compiles what it imports at the first run; compiling all the rest too takes 40 MB.
.venv/installed: pyproject.toml constraints.txt | .venv
	@echo "Installing vinovits into .venv (about 370 MB, no torch) ..."
	@.venv/$(PIP) --no-compile --editable .
	@touch $@

# torch first and pinned: a bare or newer one brings gigabytes of CUDA packages with it.
.venv-test/installed: pyproject.toml constraints.txt | .venv-test
	@echo "Installing vinovits with torch and all that tests need into .venv-test ..."
	@.venv-test/$(PIP) torch==2.13.0
	@.venv-test/$(PIP) --editable '.[dev]'
	@touch $@

# Debian keeps what `venv` needs in a package of its own.
.venv .venv-test:
	@$(PYTHON) -m venv $@ || { rm -rf $@; echo "Installing Debian's python3-venv ..."; \
	  $(SUDO) apt-get update && $(SUDO) apt-get install -y python3-venv && $(PYTHON) -m venv $@; }
