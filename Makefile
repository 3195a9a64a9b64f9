# make env    the environment in .venv, everything pinned (see tools/make_env.sh for its settings)
# make demo   train and test Mask R-CNN with UniFormer-S on a tiny drawn dataset, and draw its masks
# make test   all tests
# make lint   style
# make crosscheck   compare with others' implementations, in an environment of its own

PYTHON_ENV := .venv/bin/python
DEMO := configs/maskrcnn_uniformer_s_1x.py
DEMO_DIR := work_dirs/demo

# idle threads of OpenMP would otherwise spin and starve other processes of the machine
export OMP_WAIT_POLICY := PASSIVE

.PHONY: env demo test lint crosscheck

env:
	@tools/make_env.sh

# --resume: an interrupted demo goes on where it was; remove $(DEMO_DIR) to begin again
demo: env
	$(PYTHON_ENV) tools/train.py $(DEMO) --mini --work-dir $(DEMO_DIR) --resume
	$(PYTHON_ENV) tools/test.py $(DEMO) "$$(cat $(DEMO_DIR)/last_checkpoint)" --mini \
		--work-dir $(DEMO_DIR) --show-dir $(DEMO_DIR)/pictures

test: env
	$(PYTHON_ENV) -m pytest

lint: env
	$(PYTHON_ENV) -m ruff check .
	$(PYTHON_ENV) -m ruff format --check .

crosscheck: env
	@tools/crosscheck.sh
