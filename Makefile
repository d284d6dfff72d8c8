# The same commands at home and in CI. `make` alone lists them.
PYTHON ?= python3
PORT ?= 8000
DEVICE ?= cpu
# What is published must have passed on each of these.
DEVICES ?= cpu,cuda
# With plain pip on the public index a bare torch brings about 3 GB of CUDA packages. For a CPU build:
#   make test TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=
# Empty: the newest versions that the ranges in pyproject.toml allow.
CONSTRAINTS ?= constraints.txt
# nproc heeds OMP_NUM_THREADS, which is exported below: a make inside make would count one core.
CORES := $(shell env -u OMP_NUM_THREADS nproc 2>/dev/null || echo 2)
WORKERS ?= $(if $(PAGE),1,$(if $(filter cuda,$(DEVICE)),1,$(CORES)))
# Two workers with two threads each slow each other down on two cores.
THREADS := $(shell n=$$(( $(CORES) / $(WORKERS) )); [ $$n -ge 1 ] && echo $$n || echo 1)
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check $(if $(CONSTRAINTS),-c $(CONSTRAINTS)) $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))
ifeq ($(filter new,$(MAKECMDGOALS)),)
ifneq ($(filter-out $(wildcard $(PAGE)),$(PAGE)),)
$(error PAGE=$(PAGE): no such page; expected its path from this folder, such as PAGE=docs/index.md)
endif
endif
VENV := .venv
SITE_VENV := .venv-site
BENCH_VENV := .venv-bench
RUN := $(VENV)/bin/python
# The pages in the order of the selection, the longest first, not those with the most blocks.
# Of the plugins that are installed, those that are used: to load all took a second in each process.
PYTEST := PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 $(RUN) -m pytest -q -p xdist.plugin -p pytest_timeout --dist loadfile --no-loadscope-reorder
# What a run takes. Nothing is left to choose of one page that is named: its author does not wait for this.
SELECTED = $$($(RUN) -m tooling.selection --device $(DEVICE) $(if $(STALE),--stale) $(if $(SHARD),--shard $(SHARD)) \
	  $(if $(FRAMEWORK),--framework $(FRAMEWORK)) $(PAGE))
COVERAGE := -p pytest_cov.plugin --cov
# A new file is checked before it is added, too.
FILES := git ls-files --cached --others --exclude-standard
CHINESE = $(shell $(FILES) 'docs/*.md' 'docs/labs/*.py' 'snippets/*.md' README.zh.md .github/pull_request_template.md)
MARKDOWN = $(shell $(FILES) '*.md')
SPELLED = $(shell $(FILES) '*.md' '*.py' '*.yml' Makefile)
export NO_MKDOCS_2_WARNING := 1
export OMP_NUM_THREADS := $(THREADS)
export TF_NUM_INTRAOP_THREADS := $(THREADS)
export TF_NUM_INTEROP_THREADS := 1
# glibc gives large tensors back to the kernel and asks for them anew in each step of a training; to keep
# them took 5 % off the time of the detection script. Other systems' allocators do not read these.
export MALLOC_MMAP_MAX_ := 0
export MALLOC_TRIM_THRESHOLD_ := 268435456
export MALLOC_TOP_PAD_ := 67108864

.PHONY: help serve test new pages update merge coverage claims bench site ledger inventories lint fix tests scripts notebooks browser links summary clean

help: ## list the commands
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(SITE_VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(SITE_VENV)
	$(SITE_VENV)/bin/python $(PIP_INSTALL) -e '.[site]'
	@touch $@

$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(RUN) $(PIP_INSTALL) 'torch>=2.11'
	$(RUN) $(PIP_INSTALL) -e '.[site,models,test]'
	@touch $@

serve: $(SITE_VENV)/.ready ## live preview on http://127.0.0.1:8000; installs the site's part alone, no torch
	$(SITE_VENV)/bin/mkdocs serve --dev-addr 127.0.0.1:$(PORT)

test: DEVICES := cpu
test: $(VENV)/.ready ## everything: blocks, scripts, notebooks, tooling tests, strict build, ledger, browser
	@date +%s > $(VENV)/.started
	$(MAKE) --no-print-directory lint
	$(MAKE) --no-print-directory tests
	$(MAKE) --no-print-directory pages
	$(MAKE) --no-print-directory site DEVICES=$(DEVICES)
	$(MAKE) --no-print-directory scripts
	$(MAKE) --no-print-directory notebooks
	$(MAKE) --no-print-directory browser
	@$(MAKE) --no-print-directory ledger DEVICES=$(DEVICES)
	@echo "make test: passed in $$(( $$(date +%s) - $$(cat $(VENV)/.started) )) s, installation not counted"

pages: $(VENV)/.ready ## run the blocks and write evidence; PAGE=docs/….md, DEVICE=cuda, STALE=1, SHARD=1/4, FRAMEWORK=torch
	@$(RUN) -m tooling.hub
	@pages=$(if $(STALE)$(SHARD)$(FRAMEWORK)$(filter cuda,$(DEVICE))$(word 2,$(PAGE)),$(SELECTED),$(or $(PAGE),$(SELECTED))) || exit; \
	if [ -z "$$pages" ]; then echo "pages: nothing to run"; else \
	  $(PYTEST) $$pages -n $(WORKERS) --device $(DEVICE) \
	    $(if $(PAGE)$(STALE)$(FRAMEWORK)$(filter cuda,$(DEVICE)),,$(COVERAGE) $(if $(SHARD),--cov-report=,--cov-report=term-missing --cov-fail-under=100)); fi

new: $(VENV)/.ready ## begin a page: page, module and navigation from the template; PAGE=section/slug TITLE="标题"
	@test -n "$(PAGE)" || { echo 'name the page: make new PAGE=section/slug TITLE="标题"'; exit 2; }
	@$(RUN) -m tooling.scaffold "$(PAGE)" "$(TITLE)"

update: $(VENV)/.ready ## run one page and rewrite its expected outputs and figures; PAGE=docs/….md
	@test -n "$(PAGE)" || { echo "name the page: make update PAGE=docs/….md"; exit 2; }
	@$(RUN) -m tooling.hub
	$(PYTEST) $(PAGE) -n 1 --device $(DEVICE) --update-outputs
	@git --no-pager diff --stat -- docs

merge: $(VENV)/.ready ## put the evidence of several runs into evidence/; FROM="folder …"
	$(RUN) -m tooling.evidence merge $(FROM)

coverage: $(VENV)/.ready ## the coverage of the snippets over all shards; FROM=folder
	$(RUN) -m coverage combine --keep $$(find $(FROM) -name '.coverage.*')
	$(RUN) -m coverage report --show-missing --skip-covered --fail-under=100

claims: $(VENV)/.ready ## repeat each page's assertions over five seeds; PAGE=docs/….md for one page
	@$(RUN) -m tooling.hub
	$(RUN) -m tooling.claims --workers $(WORKERS) $(PAGE)

scripts: $(VENV)/.ready ## each script that the built site offers, in a fresh interpreter; PAGE=docs/….md for one page
	@$(RUN) -m tooling.hub
	$(RUN) -m tooling.claims --published --seeds 42 --workers $(WORKERS) $(PAGE)

notebooks: $(VENV)/.ready ## each notebook that the built site offers, in a fresh kernel; PAGE=docs/….md for one page
	@$(RUN) -m tooling.hub
	$(RUN) -m tooling.kernels --workers $(WORKERS) $(PAGE)

site: $(VENV)/.ready ## strict build to site/ and its archive; refuses blocks not proven on DEVICES (cpu,cuda unless told otherwise)
	LABS=true CUDA_VISIBLE_DEVICES= $(VENV)/bin/mkdocs build --strict --quiet --clean
	@$(MAKE) --no-print-directory ledger DEVICES=$(DEVICES)
	@$(RUN) -m tooling.offline

ledger:
	@$(RUN) -m tooling.ledger --devices $(DEVICES)

inventories: $(VENV)/.ready ## renew what references into Python, NumPy and PyTorch resolve by; needs a network
	$(RUN) -m tooling.inventories

tests: $(VENV)/.ready ## unit tests of the tooling, the canaries, the pages against reference libraries
	$(PYTEST) tests/tooling tests/reference -n $(CORES) $(COVERAGE) --cov-config=tests/tooling/coverage.ini --cov-report=term-missing:skip-covered --cov-fail-under=95
	@$(RUN) -m tooling.messages .coverage

LIGHTHOUSE := tests/site/lighthouse
# One of its packages asks for the latest version of another, which would soon differ from the lock: pinned by hand.
$(LIGHTHOUSE)/node_modules/.package-lock.json: $(LIGHTHOUSE)/package-lock.json
	@command -v npm >/dev/null || { echo 'no npm: Lighthouse, which scores the built pages, needs Node 18.20 or newer'; exit 2; }
	npm ci --prefix $(LIGHTHOUSE) --silent --no-audit --no-fund
	@touch $@

# Debian's Chromium where there is one (a snap cannot read the temporary profile), else Playwright's own.
browser: $(VENV)/.ready $(LIGHTHOUSE)/node_modules/.package-lock.json ## the built site: facts, links, browser
	@command -v chromium >/dev/null || $(RUN) -m playwright install chromium
	$(PYTEST) tests/site -n $(CORES) --dist worksteal

links: $(VENV)/.ready ## ask the other sites that the built pages link whether the pages are still there; needs a network
	$(RUN) -m tooling.links

# An environment of its own: a peer wants other versions than the site. The real site is run by the one above.
$(BENCH_VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[site,bench]'
	@touch $@

bench: $(VENV)/.ready $(SITE_VENV)/.ready $(BENCH_VENV)/.ready ## what the pipeline costs, beside its peers and at 3,000 pages; PART="harness …"
	@$(RUN) -m tooling.hub
	$(BENCH_VENV)/bin/python -m tests.bench $(PART)

lint: $(VENV)/.ready ## formatting, types, Markdown, typography, terms, spelling, workflows
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check --quiet .
	$(RUN) -m mypy
	$(RUN) -m interrogate --quiet snippets tooling
	$(VENV)/bin/rumdl check --quiet --no-cache $(MARKDOWN)
	$(RUN) -m tooling.prose $(CHINESE)
	$(VENV)/bin/codespell $(SPELLED)
	$(VENV)/bin/zizmor --offline --persona pedantic --quiet .github
	$(VENV)/bin/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(VENV)/bin/check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
	$(VENV)/bin/check-jsonschema --quiet --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(VENV)/bin/check-jsonschema --quiet --builtin-schema vendor.github-issue-forms $(filter-out %/config.yml,$(wildcard .github/ISSUE_TEMPLATE/*.yml))

fix: $(VENV)/.ready ## mend what can be mended
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .
	$(VENV)/bin/rumdl check --fix --quiet --no-cache $(MARKDOWN)
	$(RUN) -m tooling.prose --fix $(CHINESE)

clean: ## remove what the commands made
	rm -rf $(VENV) $(SITE_VENV) $(BENCH_VENV) .cache site evidence .hub *.egg-info
