# Thin names for real commands. `make demo` and `make test` need Python 3.11 and make, nothing else.

PYTHON ?= python3
SNAKEMAKE = .envs/workflow/bin/snakemake
DEMO = $(SNAKEMAKE) --profile profiles/demo
# What `make plan`, `make why`, `make dag` and `make check-site` look at; e.g. make plan CONFIG=config/7b.yaml
CONFIG ?= config/config.yaml
# Files or rules that `make why` is asked about; without, all of the run.
TARGET ?=
# make plan WHOLE=1 counts what is there already, too.
WHOLE ?=
# The page that `make compare` writes.
OUTPUT ?= results/compare.html
# Sizes of simulated sources in the benchmarks, against the real ones.
SCALE ?= 0.1
# More options of pytest, e.g. make test PYTEST_OPTIONS="-k blends -x"
PYTEST_OPTIONS ?=
# The model environment that the demo and the tests run in.
MODEL = .envs/model-cpu
BUILD_ENV = .envs/workflow/bin/python workflow/scripts/build_env.py

# Scores of a base model that was trained anew, before any fine-tuning.
BASE_SCORES = results/demo-base/scores/validation/base-strict.json results/demo-base/scores/development/base-strict.json

.PHONY: demo demo-base test test-backends cluster-test status usage lint format locks dag figures plan why compare plan-readme check-site bench show clean

demo: workflow-env   ## the whole pipeline on a laptop, to results/demo/report.html
	$(DEMO)
	@echo "open results/demo/report.html"

demo-base: model-env   ## train the demo's base model anew, half an hour on one core, and hold its scores against the shipped one's (docs/demo-model.md)
	$(DEMO) --configfile config/demo.yaml config/demo_base.yaml -- $(BASE_SCORES)
	$(MODEL)/bin/python workflow/scripts/compare_base.py --shipped workflow/demo_base_scores.json --scores $(BASE_SCORES)

test: dev-env model-env   ## every tier of the suite that needs neither SLURM nor a GPU
	.envs/dev/bin/python -m pytest tests --ignore=tests/unit/model --ignore=tests/backends --ignore=tests/cluster $(PYTEST_OPTIONS)
	$(MODEL)/bin/python -m pytest tests/unit/model

test-backends: backend-envs   ## the older quantization libraries, each built into an environment of its own and run
	$(MODEL)/bin/python -m pytest tests/backends $(PYTEST_OPTIONS)

cluster-test: dev-env model-env   ## the pipeline and its faults on a genuine SLURM, which the tests start on this machine and stop
	.envs/dev/bin/python tests/cluster/emulated_slurm.py check
	.envs/dev/bin/python -m pytest tests/cluster $(PYTEST_OPTIONS)

status: workflow-env   ## this folder's jobs in SLURM's queue
	@.envs/workflow/bin/python workflow/scripts/show_jobs.py

usage: workflow-env   ## what this folder's SLURM jobs used of what they asked for
	@.envs/workflow/bin/python workflow/scripts/show_usage.py

lint: dev-env   ## formats, types, schemas, stale locks, Snakemake's own lint
	.envs/dev/bin/ruff check .
	.envs/dev/bin/ruff format --check .
	.envs/dev/bin/snakefmt --check Snakefile workflow/rules
	.envs/dev/bin/mypy workflow/scripts
	.envs/dev/bin/python workflow/scripts/lock_envs.py --check
	.envs/dev/bin/python workflow/scripts/document_config.py --check
	.envs/dev/bin/snakemake --lint

format: dev-env
	.envs/dev/bin/ruff check --fix .
	.envs/dev/bin/ruff format .
	.envs/dev/bin/snakefmt Snakefile workflow/rules

locks: workflow-env   ## resolve envs/*.in anew
	.envs/workflow/bin/python workflow/scripts/lock_envs.py

dag: workflow-env   ## the rule graph of the paper's run, as SVG, as Mermaid and in the README; the jobs of CONFIG by stage, as SVG
	.envs/workflow/bin/python workflow/scripts/draw_rule_graph.py --configfile config/config.yaml \
	  --svg results/rulegraph.svg --mermaid results/rulegraph.mmd --readme README.md
	.envs/workflow/bin/python workflow/scripts/draw_job_graph.py --configfile $(CONFIG) --svg results/jobgraph.svg

figures: workflow-env   ## remake the figures and tables of the demo
	rm -rf results/demo/figures results/demo/report_tables results/demo/report.html
	$(DEMO)

plan: workflow-env   ## what a run would do and cost: jobs, partitions, hours, GPU-hours, downloads, disk
	.envs/workflow/bin/python workflow/scripts/plan_run.py --configfile $(CONFIG) $(if $(WHOLE),--whole)

why: workflow-env   ## which jobs would run, and for which changed file, line of config or lock: make why TARGET=... CONFIG=config/demo.yaml
	@.envs/workflow/bin/python workflow/scripts/explain_run.py --configfile $(CONFIG) --target $(TARGET)

compare: workflow-env   ## two finished runs on one page: make compare A=results/demo B=results/other
	@cmp -s envs/report.cpu.txt .envs/report-cpu/lock.txt || $(DEMO) .envs/report-cpu/lock.txt
	.envs/report-cpu/bin/python workflow/scripts/compare_runs.py --a $(A) --b $(B) --output $(OUTPUT)

plan-readme: workflow-env   ## the plans of the three runs, into this README
	.envs/workflow/bin/python workflow/scripts/plan_run.py --readme README.md

check-site: workflow-env   ## on a login node: what of the cluster, the files and the models would stop a run
	.envs/workflow/bin/python workflow/scripts/check_site.py --configfile $(CONFIG)

show: workflow-env   ## a few samples of a dataset as the model sees them: make show DATASET=review_rating
	$(DEMO) results/demo/datasets/$(DATASET).parquet
	.envs/data-cpu/bin/python workflow/scripts/show_dataset.py results/demo/datasets/$(DATASET).parquet

bench: model-env bench-env   ## the CPU benchmarks, to benchmarks/results.json; make bench SCALE=1 at the real sources' sizes
	$(MODEL)/bin/python benchmarks/run.py --output benchmarks/results.json --scale $(SCALE)

clean:   ## remove the demo's results; environments and caches stay
	rm -rf results/demo logs/demo

# Environments are remade when their lock's content differs, not when it was touched.
.PHONY: workflow-env dev-env model-env bench-env backend-envs

workflow-env:
	@cmp -s envs/workflow.cpu.txt .envs/workflow/lock.txt || $(MAKE) --no-print-directory build-workflow-env

# Python alone is needed: pip fetches uv, which builds this one and the others.
build-workflow-env:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
	  { echo "error: $(PYTHON) is not Python 3.11; run make PYTHON=/path/to/python3.11 ..." >&2; exit 2; }
	$(PYTHON) workflow/scripts/build_env.py --lock envs/workflow.cpu.txt --environment .envs/workflow

dev-env: workflow-env
	@cmp -s envs/dev.cpu.txt .envs/dev/lock.txt || $(BUILD_ENV) --lock envs/dev.cpu.txt --environment .envs/dev

bench-env: workflow-env
	@cmp -s envs/data.cpu.txt .envs/data-cpu/lock.txt || $(DEMO) .envs/data-cpu/lock.txt
	@cmp -s envs/bench.cpu.txt .envs/bench-cpu/lock.txt || $(BUILD_ENV) --lock envs/bench.cpu.txt --environment .envs/bench-cpu

# By the pipeline's own rule, so that Snakemake knows what it was made from.
model-env: workflow-env
	@cmp -s envs/model.cpu.txt $(MODEL)/lock.txt || $(DEMO) $(MODEL)/lock.txt

backend-envs: model-env
	@for name in autoawq auto-gptq; do \
	  cmp -s envs/$$name.cpu.txt .envs/$$name-cpu/lock.txt || $(DEMO) .envs/$$name-cpu/lock.txt || exit; done
