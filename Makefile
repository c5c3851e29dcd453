.PHONY: check
check: ## everything that must hold before a change lands
	.ci/run
