"""Models in ONNX files, run by onnxruntime."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rag.errors import ModelError, first_line

if TYPE_CHECKING:
    from tokenizers import Encoding

# onnxruntime keeps an identity of the device and sends events home, unless this is set before it is
# imported: https://github.com/microsoft/onnxruntime/blob/main/docs/Privacy.md
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
"""How many cores this process may use."""

Outputs = list[NDArray[np.float32]]


class OnnxModel:
    """A model of texts. Safe to share between threads.

    Each text is run by itself, one on each core. A model whose weights have eight bits takes the
    scale of what flows through it from all that it is given at once: in a batch, what it makes of a
    text would depend on its neighbours.
    """

    def __init__(self, path: Path, inputs: Sequence[str]) -> None:
        """``inputs`` names the model's inputs for token ids, attention mask and segments.

        An input that the model does not have is left out. Raises ``ModelError`` when the file
        cannot be loaded.
        """
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime has no public error of its own
            raise ModelError(
                f"the model {str(path)!r} cannot be loaded ({first_line(error)})"
            ) from error
        own = {given.name for given in self._session.get_inputs()}
        self._inputs = [name if name in own else None for name in inputs]

    def run(self, encodings: Sequence[Encoding]) -> Iterator[Outputs]:
        """The model's outputs for each tokenized text, in order, without the axis of a batch."""
        if len(encodings) < 2:
            yield from map(self._run_one, encodings)
            return
        with ThreadPoolExecutor(CORES) as pool:
            yield from pool.map(self._run_one, encodings)

    def _run_one(self, encoding: Encoding) -> Outputs:
        rows = (encoding.ids, encoding.attention_mask, encoding.type_ids)
        feeds = {
            name: np.array([row], dtype=np.int64)
            for name, row in zip(self._inputs, rows, strict=True)
            if name is not None
        }
        return [output[0] for output in self._session.run(None, feeds)]


def write_in_eight_bits(model: Path, out: Path) -> None:
    """Write the model in a file anew, its weights in eight bits, a scale for each column.

    Only seven are used: where a processor adds products of eight bits in sixteen, they overflow,
    and what comes out would depend on the machine
    (https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html).
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder) / "ready.onnx"
        quant_pre_process(str(model), str(ready), skip_symbolic_shape=True)
        quantize_dynamic(
            ready, out, weight_type=QuantType.QInt8, per_channel=True, reduce_range=True
        )
