PYTHON ?= .venv/bin/python

.PHONY: check docs generated
check: ## everything that must hold before a change lands
	.ci/run
docs: ## the documentation site in build/site, warnings being errors, every link checked; `[docs]` is the extra that it needs
	$(PYTHON) tests/support/site.py
generated: ## docs/cli, docs/reference and the lock of schemas, which are committed; man pages and completion scripts, in build/
	$(PYTHON) tests/support/reference_docs.py
	$(PYTHON) tests/support/schema_lock.py
	$(PYTHON) tests/support/man_pages.py build
