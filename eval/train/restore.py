"""The weights of a BERT model of eight bits from its ONNX file, for a run to begin with.

A run begins with a ranker, ``cross-encoder/ms-marco-MiniLM-L-12-v2`` (Apache-2.0), which learned to
put passages in order for half a million questions, or goes on from a reader.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx.numpy_helper import to_array
from torch import Tensor

from eval.train.model import Reader

_SUFFIX = "_quantized"
_OF_THE_RANKER = (("bert.pooler.dense.", "answers.0."), ("classifier.", "answers.2."))
_NEW = {"spans.weight", "spans.bias"}


def restore(model: Reader, path: Path) -> None:
    """Give ``model`` the weights of a ranker or of a file that ``eval.train.export`` wrote.

    They come back within the precision of eight bits. Of a ranker come as many of its layers as
    ``model`` has, the lowest ones; what it ranks by becomes the head that says whether a passage
    answers, and where the answer is stays to be learned.

    Raises ``ValueError`` when the file's weights are not those of such a model.
    """
    weights = {_own_name(name): weight for name, weight in _weights(path).items()}
    own = model.state_dict()
    missing = own.keys() - weights.keys()
    if missing and missing != _NEW:
        raise ValueError(f"{path} does not hold the weights of a reader: {sorted(missing)[0]}")
    model.load_state_dict(own | {name: weights[name] for name in own.keys() - missing})


def _weights(path: Path) -> dict[str, Tensor]:
    graph = onnx.load(str(path)).graph
    arrays = {given.name: to_array(given) for given in graph.initializer}
    # The exporter calls most matrices by number; the node that multiplies by one has its name.
    users = {node.input[1]: node.name for node in graph.node if node.op_type == "MatMulInteger"}
    weights: dict[str, Tensor] = {}
    for name, array in arrays.items():
        if name.endswith((".bias", ".weight")):
            weights[name] = torch.tensor(array)
        if not name.endswith(_SUFFIX):
            continue
        stem = name.removesuffix(_SUFFIX)
        steps = array.astype(np.float32) - arrays[f"{stem}_zero_point"].astype(np.float32)
        whole = torch.tensor(steps * arrays[f"{stem}_scale"])
        if name in users:
            weights[_module(users[name])] = whole.T.contiguous()
        else:
            weights.setdefault(stem, whole)
    return weights


def _module(node: str) -> str:
    """The name of a weight, by its node: ``/spans/MatMul_quant``, ``/classifier/Gemm_quant``."""
    parts = node.strip("/").split("/")[:-1]
    # "/answers/answers.0" says the same twice.
    if len(parts) == 2 and parts[1].startswith(parts[0] + "."):
        parts = parts[1:]
    return ".".join(parts) + ".weight"


def _own_name(name: str) -> str:
    for theirs, own in _OF_THE_RANKER:
        if name.startswith(theirs):
            return name.replace(theirs, own, 1)
    return re.sub(r"^bert\.", "encoder.", name)
