"""The card of a trained reader, beside its file: what it is, what it learned from, how well."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from eval.train import loop
from eval.train.data import CUT, EDITED_QUESTIONS, LICENCES, LONGEST, Reading, counted
from rag.reader import MOST_TOKENS

_CARD = """# The reader

A cross-encoder of {size:.1f} MB that reads a question together with a passage and says how likely
the passage answers, and where. Made by `python -m eval.train`, on {day}.
sha256: `{sha256}`

## Intended use

`rag.select` lets it read the passages of the sentences that words found best for a question. What
it says is one piece of evidence beside words and embeddings, in linear models fitted and measured
apart (`eval.bench.fit_select`). It says nothing of whether a passage is true, and judges no answer.

## Limits

English. Trained on passages of up to {longest} characters; at most {most} tokens of a question and
a passage are read. Numbers in tables, code and questions over several passages are not in its
data. A question with one name or number exchanged still misleads it at times: see the figures. It
can be switched off (`--no-reader`, `Settings(reader=False)`).

## Training

From the weights of all-MiniLM-L6-v2 (Apache-2.0), word embeddings kept as they are: {steps:,}
batches of {batch:,} tokens, AdamW, learning rate up to {peak}, {warm} steps to rise, the last
{cool:.0%} to fall, weight decay {decay}, no dropout in the encoder. Written as ONNX with weights of
eight bits. {history}

On examples that were kept from training:

| figure | value |
|---|---|
{figures}

## Data

No row marked as test, and none of a set whose licence forbids it. `edited`: {edited:.0%} of the
questions with a name, a number, a word for its opposite or a negation exchanged, which their
passage no longer answers. `cut`: {cut:.0%} of the passages without the sentences that hold the
answer.

| set | examples | licence |
|---|---|---|
{rows}
"""


def write_card(run: Path, out: Path, training: Sequence[Reading], history: str) -> None:
    """Write ``out`` with ``.md`` as suffix: the card of the model ``out``, made from a run."""
    lines = (run / "log.jsonl").read_text(encoding="utf-8").splitlines()
    best = max(map(json.loads, lines), key=lambda row: row["answer_auroc"] or 0.0)
    figures = {k: v for k, v in best.items() if k.endswith(("auroc", "f1")) and v is not None}
    rows = counted(training)
    card = _CARD.format(
        size=out.stat().st_size / 1e6,
        day=date.today().isoformat(),
        sha256=hashlib.sha256(out.read_bytes()).hexdigest(),
        longest=LONGEST,
        most=MOST_TOKENS,
        steps=best["step"],
        batch=loop.BATCH_TOKENS,
        peak=loop.PEAK,
        warm=loop.WARM,
        cool=loop.COOL,
        decay=loop.DECAY,
        edited=EDITED_QUESTIONS,
        cut=CUT,
        history=history,
        figures="\n".join(f"| {name} | {value:.3f} |" for name, value in figures.items()),
        rows="\n".join(f"| {name} | {n:,} | {_licence(name)} |" for name, n in rows.items()),
    )
    out.with_suffix(".md").write_text(card, encoding="utf-8")


def _licence(name: str) -> str:
    if name in ("edited", "cut"):
        return "as the question's set"
    return next(licence for family, licence in LICENCES.items() if name.startswith(family))
