"""One encoder with two heads: does the passage answer, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Encoding, Tokenizer
from torch import Tensor, nn
from torch.nn import functional
from transformers import BertConfig, BertModel

from eval.train.data import Reading
from rag.reader import MOST_TOKENS

WIDTH = 384
LAYERS = 9
"""Of the twelve of the ranker that a run begins with: ten would be a file of more than 30 MB."""
FROZEN = 5
WIDTHS = 32
WEIGHTS = "model.safetensors"


class Reader(nn.Module):
    """A BERT encoder over pairs of texts.

    ``forward`` takes token ids, a mask and segment ids, each (n, tokens), and gives ``answers``
    (n,), the log-odds that the second text answers the first, and ``spans`` (n, tokens, 2), how
    likely each token begins and ends the answer.
    """

    def __init__(self, encoder: BertModel) -> None:
        super().__init__()
        self.encoder = encoder
        width: int = encoder.config.hidden_size
        self.dropout = nn.Dropout(0.1)
        self.answers = nn.Sequential(nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1))
        self.spans = nn.Linear(width, 2)

    def forward(self, ids: Tensor, mask: Tensor, segments: Tensor) -> tuple[Tensor, Tensor]:
        """The two outputs, in the order above."""
        hidden = self.encoder(
            input_ids=ids, attention_mask=mask, token_type_ids=segments
        ).last_hidden_state
        hidden = self.dropout(hidden.float())
        return self.answers(hidden[:, 0])[:, 0], self.spans(hidden)


@dataclass(frozen=True, slots=True)
class Batch:
    """Examples as tensors.

    ``labels`` (n,) are 1.0 where the passage answers and 0.0 where it does not. ``spans`` (n, 2)
    are first and last token of the answers, -1 where there is none.
    """

    examples: Sequence[Reading]
    encodings: Sequence[Encoding]
    ids: Tensor
    mask: Tensor
    segments: Tensor
    labels: Tensor
    spans: Tensor


def load_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer of a model's folder, for pairs of which the second text is cut."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MOST_TOKENS, strategy="only_second")
    return tokenizer


def padded(tokens: int) -> int:
    """The width of a batch whose longest has so many tokens.

    Few widths: the processor's kernels are made anew for each.
    """
    return -(-tokens // WIDTHS) * WIDTHS


def batch_of(examples: Sequence[Reading], encodings: Sequence[Encoding]) -> Batch:
    """Examples and their encodings as tensors, padded to the longest."""
    width = padded(max(len(e.ids) for e in encodings))
    shape = (len(examples), width)
    ids, mask, segments = (torch.zeros(shape, dtype=torch.long) for _ in range(3))
    spans = torch.full((len(examples), 2), -1)
    for row, encoding in enumerate(encodings):
        n = len(encoding.ids)
        ids[row, :n] = torch.tensor(encoding.ids)
        mask[row, :n] = 1
        segments[row, :n] = torch.tensor(encoding.type_ids)
        example = examples[row]
        if example.answer is not None:
            first = encoding.char_to_token(example.answer.start, 1)
            last = encoding.char_to_token(example.answer.end - 1, 1)
            if first is not None and last is not None:
                spans[row] = torch.tensor([first, last])
    labels = torch.tensor([float(example.answerable) for example in examples])
    return Batch(examples, encodings, ids, mask, segments, labels, spans)


def loss_of(batch: Batch, outputs: tuple[Tensor, Tensor]) -> Tensor:
    """What a batch costs: whether it is answered, and where."""
    answers, spans = outputs
    loss = functional.binary_cross_entropy_with_logits(answers, batch.labels)
    found = batch.spans[:, 0] >= 0
    if found.any():
        # Only words of the passage can answer.
        outside = (batch.segments == 0) | (batch.mask == 0)
        masked = spans[found].masked_fill(outside[found][:, :, None], -1e4)
        ends = functional.cross_entropy(masked, batch.spans[found])
        loss = loss + ends
    return loss


def save_weights(model: nn.Module, folder: Path) -> None:
    """Write the weights of a model into a folder, whole or not at all."""
    part = folder / (WEIGHTS + ".part")
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, str(part))
    part.replace(folder / WEIGHTS)


def load_weights(model: nn.Module, folder: Path) -> None:
    """Read the weights that ``save_weights`` wrote."""
    model.load_state_dict(load_file(str(folder / WEIGHTS)))


def new_reader() -> Reader:
    """A reader in the shape of what ships, with weights that mean nothing (``eval.train.restore``).

    Its word embeddings and lower layers are not trained: they know words and sentences already, and
    a batch takes two thirds of the time.
    """
    # Each example is seen once or twice, which needs no dropout; it costs an eighth of the time.
    encoder = BertModel(
        BertConfig(
            hidden_size=WIDTH,
            intermediate_size=4 * WIDTH,
            num_hidden_layers=LAYERS,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        ),
        add_pooling_layer=False,
    )
    encoder.embeddings.requires_grad_(False)
    for layer in encoder.encoder.layer[:FROZEN]:
        layer.requires_grad_(False)
    return Reader(encoder)
