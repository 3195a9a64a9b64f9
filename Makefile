# make env        the environment in .venv, everything pinned (tools/dev/make_env.sh has its settings)
# make demo       train and test Mask R-CNN with UniFormer-S on a tiny drawn set, and draw its masks
# make test       all tests, in as many processes as TEST_PROCESSES says
# make zoo-mini   train one config of each family and task on drawn data; writes docs/zoo_mini.md
# make bench      time all families, against the published code; writes docs/benchmark.md
# make lint       style
# make docs       the site of docs/, in docs/_build
# make crosscheck compare with others' implementations, in an environment of its own

PYTHON_ENV := .venv/bin/python
DEMO := configs/maskrcnn_uniformer_s_1x.py
DEMO_DIR := work_dirs/demo
TEST_PROCESSES ?= 2

# idle threads of OpenMP would otherwise spin and starve other processes of the machine
export OMP_WAIT_POLICY := PASSIVE

.PHONY: env demo test zoo-mini bench lint docs crosscheck

env:
	@tools/dev/make_env.sh

# --resume: an interrupted demo goes on where it was; remove $(DEMO_DIR) to begin again
demo: env
	$(PYTHON_ENV) tools/train.py $(DEMO) --mini --work-dir $(DEMO_DIR) --resume
	$(PYTHON_ENV) tools/test.py $(DEMO) "$$(cat $(DEMO_DIR)/last_checkpoint)" --mini \
		--work-dir $(DEMO_DIR) --show-dir $(DEMO_DIR)/pictures

# one thread for each process: several threads of several processes would starve each other
test: env
	OMP_NUM_THREADS=1 $(PYTHON_ENV) -m pytest -n $(TEST_PROCESSES) --dist loadscope

# runs that are there are kept: remove work_dirs/zoo_mini to train anew
zoo-mini: env
	$(PYTHON_ENV) tools/pages/synthetic_runs_tool.py

# rows that are there are kept: FRESH=--fresh measures anew; the cores must have nothing else to do
bench: env
	$(PYTHON_ENV) tools/benchmark.py --suite $(FRESH)

lint: env
	$(PYTHON_ENV) -m ruff check .
	$(PYTHON_ENV) -m ruff format --check .

# warnings are errors: a broken link, a page in no table of contents
docs: env
	$(PYTHON_ENV) -m sphinx -E -W --keep-going -q docs docs/_build

crosscheck: env
	@tools/dev/crosscheck.sh
