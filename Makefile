# make run    set up, index the sample library, open the chat
# make test   set up what tests need and run the suite
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 7860
INDEX ?= .footnote
DATA ?= ../shared/data
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: help run setup test test-all lint types format check-format check gate baseline lock results \
  screenshots clean

help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: setup  ## set up, index the sample library and open the chat (HOST=, PORT=, INDEX=)
	@$(BIN)/footnote ingest eval/library --index $(INDEX)
	@$(BIN)/footnote serve --index $(INDEX) --host $(HOST) --port $(PORT)

setup: .venv/installed  ## install what Footnote needs into .venv

test: .venv/tested  ## install what tests need and run the suite
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-all: .venv/tested  ## the suite with the slow tests
	$(BIN)/python -m pytest -m ""

check: lint types check-format  ## lint, types and format

lint: .venv/developed
	$(BIN)/ruff check .

types: .venv/developed
	$(BIN)/mypy

check-format: .venv/developed
	$(BIN)/ruff format --check .

format: .venv/developed  ## put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

gate: .footnote-gate/run/scores.json  ## fail if the sample cases come out worse than the baseline
	$(BIN)/footnote eval gate .footnote-gate/run --baseline eval/results/sample.json

baseline: .footnote-gate/run/scores.json  ## make today's answers the baseline, and show what changed
	$(BIN)/footnote eval compare eval/results/sample.json .footnote-gate/run --anyway
	cp .footnote-gate/run/scores.json eval/results/sample.json
	$(BIN)/python -m eval.publish

.PHONY: .footnote-gate/run/scores.json
.footnote-gate/run/scores.json: .venv/installed
	rm -rf .footnote-gate
	$(BIN)/footnote ingest eval/library --index .footnote-gate/index
	$(BIN)/footnote eval run --index .footnote-gate/index --out .footnote-gate/run

lock:  ## pin every dependency anew in constraints.txt
	rm -rf .venv-lock
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --disable-pip-version-check --prefer-binary '.[dev,test,bench,ocr,local,anthropic,bedrock,google,mistral,ollama,openai]'
	{ echo '# Made by `make lock`. Every version that was tested, for pip install -c.'; \
	  .venv-lock/bin/python -m pip freeze | grep -v '^footnote-rag' | sed -E 's/\+cpu$$//'; } > constraints.txt
	rm -rf .venv-lock

results: .venv/tested  ## measure everything again (DATA=) and write the README's tables
	$(PIP) install -c constraints.txt -e '.[bench,ocr,local]'
	for set in squad2_half scifact hotpotqa_100 multihop_facts mtragun_pool; do \
	  $(BIN)/footnote eval benchmark $(DATA)/retrieval/$$set --json eval/results/$$set.json || exit 1; done
	rm -rf .footnote-results && $(BIN)/footnote ingest eval/library --index .footnote-results
	$(BIN)/footnote eval run --index .footnote-results --json eval/results/sample.json
	for set in office town; do rm -rf .footnote-results; \
	  $(BIN)/footnote ingest eval/$$set --index .footnote-results || exit 1; \
	  $(BIN)/footnote eval run eval/cases/$$set.jsonl --index .footnote-results \
	    --json eval/results/$$set.json || exit 1; done
	rm -rf .footnote-results
	$(BIN)/python -m eval.bench.ingest_speed $(DATA)/chunking --json eval/results/ingest_speed.json
	$(BIN)/python -m eval.bench.latency $(DATA)/retrieval/squad2_half --json eval/results/latency.json
	$(BIN)/python -m ui.web.bench --json eval/results/chat.json
	$(BIN)/python -m eval.bench.lexical $(DATA)/retrieval/* --json eval/results/lexical.json
	$(BIN)/footnote eval injection --attacks $(DATA)/injection/attacks.jsonl \
	  --benign $(DATA)/injection/benign.jsonl --json eval/results/injection.json
	$(BIN)/footnote eval chunking $(DATA)/chunking --compare --json eval/results/chunking.json
	$(BIN)/python -m eval.bench.chunkers $(DATA)/retrieval/hotpotqa_100 $(DATA)/retrieval/mtragun_pool --limit 100 --json eval/results/chunkers.json
	$(BIN)/python -m eval.bench.grounding $(DATA)/grounding --json eval/results/grounding.json
	$(BIN)/python -m eval.bench.pdf_readers $(DATA)/pdf --json eval/results/pdf_readers.json
	$(BIN)/python -m eval.bench.ingest_scale $(DATA)/pdf --json eval/results/ingest_scale.json
	$(BIN)/python -m eval.bench.find_threshold $(DATA)/retrieval/* --json eval/results/find_threshold.json
	$(BIN)/python -m eval.bench.alike_reports $(DATA)/pdf --json eval/results/alike_reports.json
	$(BIN)/footnote models pull
	$(BIN)/python -m eval.bench.local_model --json eval/results/local_model.json
	$(BIN)/python -m eval.bench.engines $(DATA)/retrieval/squad2_half --llm local --limit 100 --json eval/results/engines_squad2.json
	$(BIN)/python -m eval.bench.engines $(DATA)/retrieval/multihop_facts --llm local --limit 60 --json eval/results/engines_multihop.json
	$(BIN)/footnote eval injection --attacks $(DATA)/injection/attacks.jsonl --benign $(DATA)/injection/benign.jsonl \
	  --engine llm --llm local --position sentence --json eval/results/injection_local.json
	$(BIN)/python -m eval.publish

screenshots: .venv/tested  ## take the pictures of docs/images again
	$(BIN)/python -m ui.web.screenshots

clean:  ## remove the environment, the sample index and caches
	rm -rf .venv .venv-lock .footnote .footnote-gate .mypy_cache .pytest_cache .ruff_cache .hypothesis build *.egg-info

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "Footnote needs Python 3.11, 3.12 or 3.13: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/installed: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) install -c constraints.txt -e .
	@$(PIP) install -q --only-binary tesserocr -c constraints.txt -e '.[ocr]' || \
	  echo "OCR is not to be had for this system: scanned pages will be reported, not read"
	@touch $@

.venv/tested: .venv/installed
	$(PIP) install -c constraints.txt -e '.[test]'
	@$(PIP) install -q --only-binary xllamacpp -c constraints.txt -e '.[local]' || \
	  echo "language models of this machine cannot run on this system: their tests will be skipped"
	@touch $@

.venv/developed: .venv/installed
	$(PIP) install -c constraints.txt -e '.[dev]'
	@touch $@
