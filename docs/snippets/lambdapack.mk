# For a Makefile: `include lambdapack.mk`. `make package` builds, inspects and import-tests every configured function.
LAMBDAPACK ?= lambdapack
LAMBDAPACK_ARGS ?=

.PHONY: package inspect

package: ## build, inspect and import-test the Lambda artifacts
	$(LAMBDAPACK) check $(LAMBDAPACK_ARGS)

inspect: ## judge the artifacts that are there, without building
	@for artifact in dist/*.zip; do $(LAMBDAPACK) inspect "$$artifact" || status=$$?; done; exit $${status:-0}
