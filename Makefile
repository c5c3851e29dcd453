PYTHON ?= .venv/bin/python

.PHONY: check generated
check: ## everything that must hold before a change lands
	.ci/run
generated: ## docs/cli.md and the lock of schemas, which are committed; man pages and completion scripts, in build/
	$(PYTHON) tests/support/cli_docs.py
	$(PYTHON) tests/support/schema_lock.py
	$(PYTHON) tests/support/man_pages.py build
