"""Write a trained reader as ONNX in eight bits, with its card.

    python -m eval.train.export RUN DATA --looks 800 1650 --out rag/reader.onnx

The mean of the weights of an early and of a late look reads texts unlike those of the training
better than the late one, and these nearly as well (Wortsman et al. 2022, arXiv 2203.05482 and
2109.01903).
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file

from eval.train.card import write_card
from eval.train.data import load_examples
from eval.train.loop import evaluate
from eval.train.model import WEIGHTS, Reader, load_tokenizer, new_reader
from rag.embed import DEFAULT_MODEL, model_path
from rag.onnx_model import write_in_eight_bits
from rag.reader import INPUTS

OUTPUTS = ("answers", "spans")


def averaged(run: Path, looks: Sequence[int]) -> Reader:
    """The reader whose weights are the mean of those that a run had after so many steps."""
    model = new_reader()
    found = [load_file(str(run / str(step) / WEIGHTS)) for step in looks]
    model.load_state_dict({name: sum(w[name] for w in found) / len(found) for name in found[0]})
    return model


def export(model: Reader, out: Path) -> None:
    """Write a reader as one ONNX file with weights of eight bits."""
    model.eval()
    # The fused attention is traced with guards against what is no number: a quarter of the time.
    model.encoder.set_attn_implementation("eager")
    example = tuple(torch.ones((2, 16), dtype=torch.long) for _ in INPUTS)
    axes = {name: {0: "pairs", 1: "tokens"} for name in (*INPUTS, "spans")}
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.onnx"
        with warnings.catch_warnings(), torch.inference_mode():
            # The tracing exporter warns of its age and of branches this model does not take.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                model,
                example,
                str(whole),
                input_names=list(INPUTS),
                output_names=list(OUTPUTS),
                dynamic_axes={**axes, "answers": {0: "pairs"}},
                dynamo=False,
            )
        write_in_eight_bits(whole, out)


def main() -> None:
    """Export, write the card, and say what ``rag.reader`` must know."""
    parser = argparse.ArgumentParser(prog="python -m eval.train.export", description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--looks", type=int, nargs="+", required=True)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--history", default="", help="What else is to be said of this run.")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    model = averaged(given.run, given.looks)
    export(model, given.out)
    training, development = load_examples(given.data, given.seed)
    figures = evaluate(model, development, load_tokenizer(model_path(DEFAULT_MODEL)))
    write_card(given.out, training, given.looks, figures, given.history)
    print(given.out.with_suffix(".md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
