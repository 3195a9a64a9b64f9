# make env        the environment in .venv, everything pinned (tools/dev/make_env.sh has its settings)
# make demo       train and test Mask R-CNN with UniFormer-XXS on synthetic images, and draw its masks
# make test       the tests, in as many processes as TEST_PROCESSES says
# make test-all   and other sizes of what they test
# make gpu        the tests that need a GPU, with whatever torch PYTHON_ENV has
# make faults     inject faults and try bad input; writes docs/reliability.md
# make stack STACK=L   make the environment of requirements/stacks/L.txt, run the tests in it, and write
#                 its row of docs/stacks.md
# make train-synthetic   train one config of each family and task on synthetic data, minutes each;
#                 writes docs/synthetic_training.md
# make bench      time all families, against the published code; writes docs/benchmark.md
# make pages      write the tables of README.md and docs/ that come from the package and metafiles
# make lint       style and types
# make docs       the site of docs/, in docs/_build
# make release   build the packages, reproducibly, check them, and list what they are used with (SBOM)
# make crosscheck compare with others' implementations, in an environment of its own

PYTHON_ENV := .venv/bin/python
DEMO := configs/maskrcnn_uniformer_xxs_1x.py
DEMO_DIR := work_dirs/demo
# half of what --mini trains, and at a higher rate: four epochs of 38 iterations, tested at the end
DEMO_OPTIONS := train_cfg.max_epochs=4 train_cfg.val_interval=5 \
	param_scheduler.0.end=20 param_scheduler.1.end=4 param_scheduler.1.milestones=[3] \
	optim_wrapper.optimizer.lr=6e-4
TEST_PROCESSES ?= 2

# idle threads of OpenMP would otherwise spin and starve other processes of the machine
export OMP_WAIT_POLICY := PASSIVE

.PHONY: env demo test test-all gpu faults stack train-synthetic bench pages lint docs release crosscheck

env:
	@tools/dev/make_env.sh

# --resume: an interrupted demo goes on where it was; remove $(DEMO_DIR) to begin again
demo: env
	$(PYTHON_ENV) tools/train.py $(DEMO) --mini --work-dir $(DEMO_DIR) --resume \
		--cfg-options $(DEMO_OPTIONS)
	$(PYTHON_ENV) tools/test.py $(DEMO) "$$(cat $(DEMO_DIR)/last_checkpoint)" --mini \
		--work-dir $(DEMO_DIR) --show-dir $(DEMO_DIR)/images

# one thread for each process: several threads of several processes would starve each other
# worksteal: processes take over from each other what is left, also of one module
TEST := OMP_NUM_THREADS=1 $(PYTHON_ENV) -m pytest -n $(TEST_PROCESSES) --dist worksteal

test: env
	$(TEST) -m "not (extended or gpu)"

test-all: env
	$(TEST) -m "not gpu"

# no `env`: its torch is for CPUs. In one process, which has the card for itself
gpu:
	$(PYTHON_ENV) -m pytest -m gpu tests/gpu

# writes docs/reliability.md
faults: env
	OMP_NUM_THREADS=1 $(PYTHON_ENV) -m tools.pages.faults --processes $(TEST_PROCESSES)

stack:
	@tools/dev/make_stack.sh "$(STACK)"
	OMP_NUM_THREADS=1 .stacks/$(STACK)/bin/python -m tools.pages.stacks $(STACK) \
		--processes $(TEST_PROCESSES)

# finished runs are kept: remove work_dirs/synthetic to train again
train-synthetic: env
	$(PYTHON_ENV) -m tools.pages.synthetic_runs

# finished rows are kept: FRESH=--fresh measures again; nothing else should use the cores. What there
# is no time for in half an hour is left to the next run
bench: env
	$(PYTHON_ENV) -m tools.pages.benchmark --minutes 27 $(FRESH)

pages: env
	$(PYTHON_ENV) -m tools.pages.tables
	$(PYTHON_ENV) -m tools.pages.readme
	$(PYTHON_ENV) -m tools.pages.model_zoo

lint: env
	$(PYTHON_ENV) -m ruff check .
	$(PYTHON_ENV) -m ruff format --check .
	.venv/bin/lint-imports --no-cache
	$(PYTHON_ENV) -m mypy

# warnings are errors: a broken link, a page in no table of contents
docs: env
	$(PYTHON_ENV) -m sphinx -E -W --keep-going -q docs docs/_build

crosscheck: env
	@tools/dev/crosscheck.sh

release:
	@tools/dev/make_release.sh
