"""Training the small model: its examples, its edits, going on after a stop, and its export."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.train.data import Reading, load_examples
from eval.train.edits import both_ways, edited
from rag.errors import BadInput
from rag.features import OPPOSITES
from rag.reader import Reader

PASSAGE = (
    "In 1899, Nikola Tesla moved to Colorado Springs, where Leonard Curtis helped him. "
    "By 1901 the banker John Morgan had paid 150,000 dollars for the tower. "
    "The largest coil was built first. Nobody lives in the laboratory today."
)
QUESTION = "When did Nikola Tesla move to Colorado Springs?"


def rows(folder: Path, name: str, given: list[dict[str, Any]]) -> None:
    with gzip.open(folder / f"{name}.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in given)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A few rows of each file: some to train on, a test row, a set that is not to be shipped."""
    reading = {
        "set": "qed", "question": QUESTION, "answers": [{"text": "1899", "start": 3}],
        "answerable": True, "split": "train",
    }  # fmt: skip
    readings = [reading | {"context": f"{PASSAGE} {n}"} for n in range(40)]
    readings.append(reading | {"context": PASSAGE, "question": "Tested?", "split": "test"})
    readings.append(reading | {"context": PASSAGE, "question": "Tweeted?", "set": "tweetqa"})
    rows(tmp_path, "reader", readings)
    rows(
        tmp_path,
        "relevance",
        [{"set": "selqa", "question": "Who?", "passage": PASSAGE, "label": 0, "split": "dev"}],
    )
    return tmp_path


@given(st.text(max_size=120), st.text(max_size=300), st.integers(0, 99))
def test_an_edit_changes_the_text_or_is_none(text: str, passage: str, seed: int) -> None:
    changed = edited(text, passage, both_ways(OPPOSITES), random.Random(seed))
    assert changed is None or changed != text


def test_edits_take_another_detail_of_the_passage() -> None:
    opposites = both_ways(OPPOSITES)
    made = {edited(QUESTION, PASSAGE, opposites, random.Random(seed)) for seed in range(60)}
    assert "When did Leonard Curtis move to Colorado Springs?" in made
    assert "When didn't Nikola Tesla move to Colorado Springs?" in made
    made = {
        edited("The largest coil was built first.", PASSAGE, opposites, random.Random(seed))
        for seed in range(60)
    }
    assert {"The smallest coil was built first.", "The largest coil was not built first."} <= made


def test_only_what_may_be_shipped_and_is_no_test_is_learned(data: Path) -> None:
    training, development = load_examples(data, seed=1)
    examples = training + development
    asked = {example.question for example in examples}
    assert "Tested?" not in asked
    assert "Tweeted?" not in asked
    contexts = [{e.passage for e in side if e.source == "qed"} for side in (training, development)]
    assert not contexts[0] & contexts[1]
    for example in examples:
        if example.answer:
            assert example.passage[example.answer.start : example.answer.end] == "1899"
        if example.source == "cut":
            assert "1899" not in example.passage
            assert not example.answerable


def test_missing_data_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"reader\.jsonl\.gz"):
        load_examples(tmp_path, seed=1)


def test_a_run_goes_on_and_its_export_agrees(data: Path, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from eval.train.card import write_card
    from eval.train.export import export
    from eval.train.loop import BEST, looks_since_best, train
    from eval.train.model import batch_of, load_tokenizer, load_weights, new_reader
    from eval.train.restore import restore
    from rag.embed import DEFAULT_MODEL, model_path

    base = model_path(DEFAULT_MODEL)
    tokenizer = load_tokenizer(base)
    training, _ = load_examples(data, seed=1)
    sides = (training[:24], training[:6])
    out = tmp_path / "run"
    for steps in (1, 2):
        train(sides, base, tokenizer, out, steps, seed=1)
    done = [json.loads(line)["step"] for line in (out / "log.jsonl").read_text().splitlines()]
    assert done == [1, 2]
    assert "answer_auroc" in "".join(ElementTree.parse(out / "log.svg").getroot().itertext())

    export(out, tmp_path / "reader.onnx")
    (read,) = Reader(tmp_path / "reader.onnx").read(QUESTION, [PASSAGE])
    model = new_reader(base)
    load_weights(model, out / BEST)
    model.eval()
    pair = Reading(QUESTION, PASSAGE, None, "", True)
    batch = batch_of([pair], tokenizer.encode_batch([(QUESTION, PASSAGE)]))
    with torch.inference_mode():
        answers, spans = model(batch.ids, batch.mask, batch.segments)
    assert read.answers == pytest.approx(float(answers[0].sigmoid()), abs=0.05)
    inside = spans[0][batch.segments[0] == 1][:-1].softmax(0).numpy()
    assert read.begins == pytest.approx(inside[:, 0], abs=0.05)
    assert read.ends == pytest.approx(inside[:, 1], abs=0.05)

    begun = new_reader(base)
    restore(begun, tmp_path / "reader.onnx")
    begun.eval()
    with torch.inference_mode():
        again, _ = begun(batch.ids, batch.mask, batch.segments)
    assert again[0] == pytest.approx(float(answers[0]), abs=0.2)

    write_card(out, tmp_path / "reader.onnx", training, "Of a test.")
    card = " ".join((tmp_path / "reader.md").read_text().split())
    digest = hashlib.sha256((tmp_path / "reader.onnx").read_bytes()).hexdigest()
    batches = done[-1 - looks_since_best(out)]
    for told in (
        digest,
        f"{batches} batches",
        "| qed | ",
        "CC BY-SA 3.0",
        "answer_auroc",
        "Of a test.",
    ):
        assert told in card, told

    with (out / "log.jsonl").open("a") as log:
        for step, auroc in ((3, 0.99), (4, 0.5), (5, 0.6)):
            log.write(json.dumps({"step": step, "loss": 1.0, "answer_auroc": auroc}) + "\n")
    assert looks_since_best(out) == 2
