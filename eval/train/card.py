"""The card of a trained reader, beside its file: what it is, what it learned from, how well."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from eval.train import loop
from eval.train.data import CUT, EDITED_QUESTIONS, LICENCES, LONGEST, Reading, counted
from eval.train.figures import Figures
from eval.train.model import FROZEN, LAYERS
from rag.files import sha256_of
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

From the lowest {layers} of the twelve layers of cross-encoder/ms-marco-MiniLM-L-12-v2, a ranker
that its authors publish under Apache-2.0 (it learned from MS MARCO, whose own texts are for
research). Its embeddings and lowest {frozen} layers are kept as they are, the others learned in
batches of {batch:,} tokens: AdamW, learning rate up to {peak}, {warm} steps to rise, the last
{cool:.0%} to fall, weight decay {decay}, no dropout in the encoder. What ships is the mean of the
weights after {looks} batches, as ONNX with weights of eight bits. {history}

On examples that were kept from training, before the weights are rounded to eight bits:

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


def write_card(
    out: Path, training: Sequence[Reading], looks: Sequence[int], figures: Figures, history: str
) -> None:
    """Write ``out`` with ``.md`` as suffix: the card of the model ``out``.

    Its weights are the mean of those after so many steps as ``looks`` says; ``figures`` are
    of these, before they are rounded to eight bits.
    """
    rows = counted(training)
    card = _CARD.format(
        size=out.stat().st_size / 1e6,
        day=date.today().isoformat(),
        sha256=sha256_of(out),
        longest=LONGEST,
        most=MOST_TOKENS,
        layers=LAYERS,
        frozen=FROZEN,
        looks=" and ".join(f"{step:,}" for step in looks),
        batch=loop.BATCH_TOKENS,
        peak=loop.PEAK,
        warm=loop.WARM,
        cool=loop.COOL,
        decay=loop.DECAY,
        edited=EDITED_QUESTIONS,
        cut=CUT,
        history=history,
        figures="\n".join(
            f"| {name} | {value:.3f} |" for name, value in figures.items() if value is not None
        ),
        rows="\n".join(f"| {name} | {n:,} | {_licence(name)} |" for name, n in rows.items()),
    )
    out.with_suffix(".md").write_text(card, encoding="utf-8")


def _licence(name: str) -> str:
    if name in ("edited", "cut"):
        return "as the question's set"
    return next(licence for family, licence in LICENCES.items() if name.startswith(family))
