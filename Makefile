# Run from here, with Python 3.11 or newer, make and git: the rest is installed into .venv.
# `make up PYTHON=python3.13` names another Python.
PYTHON ?= python3
RUN = .venv/bin/python -m stack run
COMPILE = .venv/bin/uv pip compile -q pyproject.toml --universal --generate-hashes \
	--no-emit-index-url --no-header
# uv trusts whom this machine trusts, as pip does: a house may have a proxy of its own.
export UV_SYSTEM_CERTS = true
# Each of the many processes that the tests start would compile every module again.
unexport PYTHONDONTWRITEBYTECODE
# Out of uv's cache and not of .venv: docs/dependencies.md says why.
BABEL = PYTHONPATH=. .venv/bin/pybabel -q
TOOL = .venv/bin/uv tool run --quiet --python .venv/bin/python

.PHONY: help up test faults hostile threats guards mutations check fmt messages requirements audit sbom bench screenshots drill reset local dev

help: ## List these targets
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

up: local ## Start everything on this machine, with demo data; Ctrl-C stops it
	@# Ends with make, also after a SIGKILL of make.
	@exec .venv/bin/python stack/parent_death.py $$PPID 15 - .venv/bin/python -m stack up

test: dev ## Run all tests on real PostgreSQL and Valkey; ARGS="-k name" for some
	.venv/bin/python -m pytest -n 2 $(ARGS)

faults: dev ## Kill everything in turn and count what is lost; let random customers live through years
	.venv/bin/python -m pytest tests/faults tests/simulation -m "faults or not faults" -s $(ARGS)

hostile: dev ## Send hostile values, odd texts and Schemathesis at every operation, page and form
	.venv/bin/python -m pytest tests/api tests/web tests/stories -m hostile -n 0 -s $(ARGS)

threats: dev ## Write docs/threats.md from the marks of the tests
	.venv/bin/python -m tests.threats

guards: dev ## Take each guard of docs/threats.md away in turn: its tests have to fail
	.venv/bin/python -m tests.threats --take-away $(ARGS)

mutations: dev ## Take each line of the engine that was mended away in turn: its test has to fail; ARGS=--model
	$(RUN) .venv/bin/python -m tests.mutations $(ARGS)

check: export SECRET_KEY ?= of-make-check-and-no-secret-at-all
check: dev ## Check format, lint, types, layers, dependencies, migrations, drawings and the API schema
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/deptry --no-ansi .
	$(RUN) .venv/bin/python manage.py check
	@# As in production: not a warning.
	PUBLIC_URL=https://billing.example.com ALLOWED_HOSTS=billing.example.com TRUSTED_PROXIES=1 \
		EMAIL_URL=smtp://mail.example.com:25 \
		SECRET_KEY=of-make-check-and-no-secret-at-all-but-as-long-as-one \
		$(RUN) .venv/bin/python manage.py check --deploy --fail-level WARNING
	$(RUN) .venv/bin/python manage.py makemigrations --check --dry-run
	.venv/bin/python manage.py draw_workflows --check
	.venv/bin/python manage.py spectacular --validate --fail-on-warn --file /dev/null

fmt: dev ## Format the code and repair what the linter can
	.venv/bin/ruff format
	.venv/bin/ruff check --fix

messages: dev ## Collect what is to be translated, compile what has been (docs/translations.md)
	@# The engine has no words of its own language beside core's.
	@mkdir -p var
	@for room in "core engine" workflows web; do set -- $$room; \
		$(BABEL) extract -F babel.cfg -c Translators: --add-location=file --sort-output --width=110 -o var/$$1.pot $$room && \
		$(BABEL) update -D django -i var/$$1.pot -d $$1/locale -N --ignore-obsolete --ignore-pot-creation-date --width=110 && \
		$(BABEL) compile -D django -d $$1/locale || exit 1; done

requirements: dev ## Compile the pinned requirement files; ARGS=--upgrade for newer versions
	$(COMPILE) $(ARGS) -o requirements.txt
	$(COMPILE) --extra local -c requirements.txt $(ARGS) -o requirements-local.txt
	$(COMPILE) --extra otel -c requirements.txt $(ARGS) -o requirements-otel.txt
	$(COMPILE) --extra local --extra otel --extra dev -c requirements.txt $(ARGS) -o requirements-dev.txt

audit: dev ## Ask whether a vulnerability of what we run on is known; needs the net
	$(TOOL) pip-audit@2.10.1 --strict --disable-pip --require-hashes -r requirements.txt $(ARGS)

sbom: dev ## Write down what we run on, as CycloneDX in var/sbom.json
	@mkdir -p var
	@# It would warn that a list of pins does not say which asks for which.
	PYTHONWARNINGS=ignore $(TOOL) --from cyclonedx-bom@7.5.0 cyclonedx-py requirements --pyproject pyproject.toml \
		--output-reproducible --output-format JSON --output-file var/sbom.json requirements.txt

bench: dev ## Figures of the product, as ratios within one run; ARGS="idle" for some, ARGS=--quick for none
	.venv/bin/python -m benchmarks $(ARGS)
	$(if $(ARGS),,$(RUN) .venv/bin/python -m benchmarks.fairness)
	$(if $(ARGS),,.venv/bin/python -m benchmarks.credits)

screenshots: dev ## Draw the ten main screens into docs/img, on a fresh demo
	$(RUN) .venv/bin/python -m tests.browser.pictures

drill: local ## Dump, restore, look and go on: of a demo, or of the database that DATABASE_URL names
	@.venv/bin/python -m stack drill

reset: local ## Delete the demo's data, logs and mails; refused while it is up
	@.venv/bin/python -m stack reset

dev: ## Make .venv with all that working on it takes; the others do so by themselves
local dev:
	@$(PYTHON) stack/bootstrap.py $@
