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
from rag.opposites import OPPOSITES
from rag.reader import PATH, Reader

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
    from eval.train.export import averaged, export
    from eval.train.loop import evaluate, looks_since_best, train
    from eval.train.model import batch_of, load_tokenizer, load_weights, new_reader
    from eval.train.restore import restore
    from rag.embed import DEFAULT_MODEL, model_path

    tokenizer = load_tokenizer(model_path(DEFAULT_MODEL))
    training, _ = load_examples(data, seed=1)
    sides = (training[:24], training[:6])
    out = tmp_path / "run"
    for steps in (1, 2):
        train(sides, PATH, tokenizer, out, steps, seed=1)
    done = [json.loads(line)["step"] for line in (out / "log.jsonl").read_text().splitlines()]
    assert done == [1, 2]
    assert "answer_auroc" in "".join(ElementTree.parse(out / "log.svg").getroot().itertext())

    model = averaged(out, [1, 2])
    export(model, tmp_path / "reader.onnx")
    (read,) = Reader(tmp_path / "reader.onnx").read(QUESTION, [PASSAGE])
    looks = [new_reader(), new_reader()]
    for step, look in enumerate(looks, 1):
        load_weights(look, out / str(step))
    one, two, mean = (m.spans.weight for m in (*looks, model))
    assert torch.allclose(mean, (one + two) / 2)
    assert not torch.allclose(one, two)
    pair = Reading(QUESTION, PASSAGE, None, "", True)
    batch = batch_of([pair], tokenizer.encode_batch([(QUESTION, PASSAGE)]))
    with torch.inference_mode():
        answers, spans = model(batch.ids, batch.mask, batch.segments)
    assert read.answers == pytest.approx(float(answers[0].sigmoid()), abs=0.05)
    inside = spans[0][batch.segments[0] == 1][:-1].softmax(0).numpy()
    assert read.begins == pytest.approx(inside[:, 0], abs=0.05)
    assert read.ends == pytest.approx(inside[:, 1], abs=0.05)

    begun = new_reader()
    restore(begun, tmp_path / "reader.onnx")
    begun.eval()
    with torch.inference_mode():
        again, _ = begun(batch.ids, batch.mask, batch.segments)
    assert again[0] == pytest.approx(float(answers[0]), abs=0.2)

    figures = evaluate(model, sides[1], tokenizer)
    write_card(tmp_path / "reader.onnx", training, [1, 2], figures, "Of a test.")
    card = " ".join((tmp_path / "reader.md").read_text().split())
    digest = hashlib.sha256((tmp_path / "reader.onnx").read_bytes()).hexdigest()
    for told in (
        digest,
        "after 1 and 2 batches",
        "| qed | ",
        "CC BY-SA 3.0",
        "answer_auroc",
        "Of a test.",
    ):
        assert told in card, told

    aurocs = (0.9, 0.99, 0.5, 0.6)
    rows = [{"step": n, "loss": 1.0, "answer_auroc": auroc} for n, auroc in enumerate(aurocs)]
    (tmp_path / "log.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert looks_since_best(tmp_path) == 2


@pytest.mark.filterwarnings("ignore")  # the exporter warns of its age
def test_a_run_begins_with_the_lowest_layers_of_a_ranker(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    onnx = pytest.importorskip("onnx")
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process
    from transformers import BertConfig, BertForSequenceClassification

    from eval.train.model import LAYERS, WIDTH, new_reader
    from eval.train.restore import restore

    ranker = BertForSequenceClassification(
        BertConfig(
            hidden_size=WIDTH,
            intermediate_size=4 * WIDTH,
            num_hidden_layers=LAYERS + 1,
            num_labels=1,
        )
    ).eval()
    for weights in ranker.parameters():  # equal ones would be written once
        torch.nn.init.normal_(weights, std=0.02)
    whole, ready, small = (tmp_path / f"{name}.onnx" for name in ("whole", "ready", "small"))
    inputs = {"input_ids": 0, "attention_mask": 1, "token_type_ids": 0}
    given = tuple(torch.full((2, 8), value) for value in inputs.values())
    axes = {name: {0: "pairs", 1: "tokens"} for name in inputs}
    torch.onnx.export(
        ranker, given, str(whole), input_names=list(inputs), dynamic_axes=axes, dynamo=False
    )
    quant_pre_process(str(whole), str(ready), skip_symbolic_shape=True)
    quantize_dynamic(str(ready), str(small), weight_type=QuantType.QInt8)
    model = new_reader()
    restore(model, small)
    layer = LAYERS - 1
    for own, theirs in (
        (model.encoder.embeddings.word_embeddings, ranker.bert.embeddings.word_embeddings),
        (
            model.encoder.encoder.layer[layer].output.dense,
            ranker.bert.encoder.layer[layer].output.dense,
        ),
        (model.answers[0], ranker.bert.pooler.dense),
        (model.answers[2], ranker.classifier),
    ):
        assert torch.allclose(own.weight, theirs.weight, atol=2e-3)
    onnx.save(onnx.helper.make_model(onnx.helper.make_graph([], "none", [], [])), str(whole))
    with pytest.raises(ValueError, match="does not hold the weights of a reader"):
        restore(model, whole)
