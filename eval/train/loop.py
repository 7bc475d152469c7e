"""The training run: resumable, seeded, with its progress and its figures in files."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch.optim import AdamW
from tqdm import tqdm

from eval.train.data import Reading
from eval.train.figures import Figures, figures_of, plot
from eval.train.model import (
    Batch,
    Reader,
    batch_of,
    load_weights,
    loss_of,
    new_reader,
    padded,
    save_weights,
)  # fmt: skip
from eval.train.restore import restore

PEAK = 1e-4
WARM = 100
COOL = 0.25
"""The last part of the steps, over which the rate falls to nothing."""
DECAY = 0.01
BATCH_TOKENS = 4096
POOL = 1500
EVERY = 400
PATIENCE = 3
"""Stop when so many looks at the development side in a row found nothing better than before."""


def train(
    sides: tuple[list[Reading], list[Reading]],
    start: Path,
    tokenizer: Tokenizer,
    out: Path,
    steps: int,
    seed: int,
) -> Figures:
    """Train for ``steps`` batches, or go on with what ``out`` holds, and keep all in ``out``.

    A new run begins with the ranker or the reader in an ONNX file, ``start``.

    The learning rate rises, holds and falls over the last quarter, so a run that was stopped can
    go on for more steps than it was begun with. ``out/log.jsonl`` has a line with the loss and the
    figures on the development side for each ``EVERY`` steps, ``out/log.svg`` is a plot of it, and
    a folder with the number of the step has the weights. Without a better ``answer_auroc`` for
    ``PATIENCE`` looks it stops early.
    """
    torch.manual_seed(seed)
    model = new_reader()
    restore(model, start)
    optimizer = AdamW(
        [p for p in model.parameters() if p.requires_grad], lr=PEAK, weight_decay=DECAY
    )
    done = _resume(model, optimizer, out)
    batches = _endless(sides[0], tokenizer, seed + done)
    losses: list[float] = []
    last = time.monotonic()
    with tqdm(total=steps, initial=done, unit="batch", desc="training", mininterval=5.0) as bar:
        for step in range(done, steps):
            batch = next(batches)
            for group in optimizer.param_groups:
                group["lr"] = PEAK * _rate(step, steps)
            model.train()
            with torch.autocast("cpu", dtype=torch.bfloat16):
                outputs = model(batch.ids, batch.mask, batch.segments)
            loss = loss_of(batch, outputs)
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            losses.append(loss.item())
            bar.update()
            bar.set_postfix(loss=f"{np.mean(losses[-100:]):.3f}")
            if (step + 1) % EVERY == 0 or step + 1 == steps:
                figures = evaluate(model, sides[1], tokenizer)
                _save(model, optimizer, step + 1, out)
                now = time.monotonic()
                row = {"step": step + 1, "loss": float(np.mean(losses)), "seconds": now - last}
                losses, last = [], now
                with (out / "log.jsonl").open("a", encoding="utf-8") as log:
                    log.write(json.dumps(row | figures) + "\n")
                plot(out / "log.jsonl", out / "log.svg")
                tqdm.write(json.dumps(row | figures))
                look = out / str(step + 1)
                look.mkdir(exist_ok=True)
                save_weights(model, look)
                if (age := looks_since_best(out)) >= PATIENCE:
                    tqdm.write(f"stopped early: no better for {age} looks")
                    break
    return evaluate(model, sides[1], tokenizer)


def looks_since_best(out: Path) -> int:
    """How many looks at the development side came after the best one, by a run's log."""
    lines = (out / "log.jsonl").read_text(encoding="utf-8").splitlines()
    seen = [json.loads(line)["answer_auroc"] or 0.0 for line in lines]
    return len(seen) - 1 - seen.index(max(seen))


def evaluate(model: Reader, examples: Sequence[Reading], tokenizer: Tokenizer) -> Figures:
    """The figures of a model on examples."""
    model.eval()
    results = []
    with torch.inference_mode():
        for batch in batches_of(examples, tokenizer):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                outputs = model(batch.ids, batch.mask, batch.segments)
            results.append((batch, outputs))
    return figures_of(results)


def batches_of(examples: Sequence[Reading], tokenizer: Tokenizer) -> Iterator[Batch]:
    """Examples in batches of about one length."""
    encodings = tokenizer.encode_batch([(e.question, e.passage) for e in examples])
    rows: list[int] = []
    for i in sorted(range(len(examples)), key=lambda i: len(encodings[i].ids)):
        if rows and (len(rows) + 1) * padded(len(encodings[i].ids)) > BATCH_TOKENS:
            yield batch_of([examples[j] for j in rows], [encodings[j] for j in rows])
            rows = []
        rows.append(i)
    if rows:
        yield batch_of([examples[j] for j in rows], [encodings[j] for j in rows])


def _endless(examples: Sequence[Reading], tokenizer: Tokenizer, seed: int) -> Iterator[Batch]:
    """Batches in random order, epoch after epoch."""
    rng = random.Random(seed)
    while True:
        order = rng.sample(range(len(examples)), len(examples))
        for start in range(0, len(order), POOL):
            pool = list(batches_of([examples[i] for i in order[start : start + POOL]], tokenizer))
            rng.shuffle(pool)
            yield from pool


def _rate(step: int, steps: int) -> float:
    return min(1.0, (step + 1) / WARM, (steps - step) / (COOL * steps))


def _save(model: Reader, optimizer: AdamW, step: int, out: Path) -> None:
    save_weights(model, out)
    state: dict[str, torch.Tensor] = {}
    for i, entry in optimizer.state_dict()["state"].items():
        state |= {f"{i}.{name}": value for name, value in entry.items()}
    state["done"] = torch.tensor(step)
    part = out / "optimizer.safetensors.part"
    save_file(state, str(part))
    part.replace(out / "optimizer.safetensors")


def _resume(model: Reader, optimizer: AdamW, out: Path) -> int:
    """How many steps ``out`` holds already, which it brings back."""
    path = out / "optimizer.safetensors"
    if not path.is_file():
        out.mkdir(parents=True, exist_ok=True)
        return 0
    load_weights(model, out)
    kept = load_file(str(path))
    done = int(kept.pop("done"))
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in kept.items():
        i, _, key = name.partition(".")
        state.setdefault(int(i), {})[key] = value
    optimizer.load_state_dict(optimizer.state_dict() | {"state": state})
    return done
