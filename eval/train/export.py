"""Write a trained reader as ONNX in eight bits, with its card.

python -m eval.train.export RUN DATA --out rag/reader.onnx
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from pathlib import Path

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.shape_inference import quant_pre_process

from eval.train.card import write_card
from eval.train.data import load_examples
from eval.train.loop import BEST
from eval.train.model import load_weights, new_reader
from rag.embed import DEFAULT_MODEL, model_path

INPUTS = ("ids", "mask", "segments")
OUTPUTS = ("answers", "spans")


def export(run: Path, out: Path) -> None:
    """Write the best reader of a training run as one ONNX file with weights of eight bits."""
    model = new_reader(model_path(DEFAULT_MODEL))
    load_weights(model, run / BEST)
    model.eval()
    example = tuple(torch.ones((2, 16), dtype=torch.long) for _ in INPUTS)
    axes = {name: {0: "pairs", 1: "tokens"} for name in (*INPUTS, "spans")}
    with tempfile.TemporaryDirectory() as folder:
        whole, ready = Path(folder) / "whole.onnx", Path(folder) / "ready.onnx"
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
        quant_pre_process(str(whole), str(ready), skip_symbolic_shape=True)
        quantize_dynamic(str(ready), str(out), weight_type=QuantType.QInt8, per_channel=True)


def main() -> None:
    """Export, write the card, and say what ``rag.reader`` must know."""
    parser = argparse.ArgumentParser(prog="python -m eval.train.export", description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--history", default="", help="What else is to be said of this run.")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    export(given.run, given.out)
    write_card(given.run, given.out, load_examples(given.data, given.seed)[0], given.history)
    print(given.out.with_suffix(".md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
