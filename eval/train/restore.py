"""The weights of a reader back from its ONNX file, so that a run can go on from what ships."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx.numpy_helper import to_array

from eval.train.model import Reader

_SUFFIX = "_quantized"
_FROZEN = "encoder.embeddings.word_embeddings.weight"


def restore(model: Reader, path: Path) -> None:
    """Give ``model`` the weights that ``eval.train.export`` wrote into ``path``.

    They come back within the precision of eight bits. Word embeddings are never trained, so those
    of ``model`` stay. Raises ``ValueError`` when the file's weights are not all of such a model.
    """
    graph = onnx.load(str(path)).graph
    arrays = {given.name: to_array(given) for given in graph.initializer}
    # The exporter calls most matrices by number; the node that multiplies by one has its name.
    users = {node.input[1]: node.name for node in graph.node if node.op_type == "MatMulInteger"}
    weights = {_FROZEN: model.state_dict()[_FROZEN]}
    for name, array in arrays.items():
        if name.endswith((".bias", ".weight")):
            weights[name] = torch.tensor(array)
        if not name.endswith(_SUFFIX):
            continue
        stem = name.removesuffix(_SUFFIX)
        steps = array.astype(np.float32) - arrays[f"{stem}_zero_point"].astype(np.float32)
        whole = torch.tensor(steps * arrays[f"{stem}_scale"])
        if name not in users:
            weights.setdefault(stem, whole)
            continue
        layer = (
            users[name].removesuffix("_quant").removesuffix("/MatMul").removesuffix("/Gemm_MatMul")
        )
        weights[_module(layer)] = whole.T.contiguous()
    missing = model.state_dict().keys() ^ weights.keys()
    if missing:
        raise ValueError(f"{path} does not hold the weights of a reader: {sorted(missing)[0]}")
    model.load_state_dict(weights)


def _module(layer: str) -> str:
    """The name of a weight, by its node: ``/spans``, ``/encoder/encoder/layer.0/attention``."""
    parts = layer.strip("/").split("/")
    # "/answers/answers.0" says the same twice.
    if len(parts) == 2 and parts[1].startswith(parts[0] + "."):
        parts = parts[1:]
    return ".".join(parts) + ".weight"
