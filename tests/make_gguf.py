"""A language model of a hundred kilobytes, in the GGUF format: it babbles letters, but really."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

LETTERS = "abcdefghijklmnopqrstuvwxyz"
TEMPLATE = "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}<|a|>"
CONTROL = ["<s>", "</s>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>", "<|a|>"]
WIDTH, HIDDEN, HEADS = 32, 64, 2
UINT32, FLOAT32, STRING, ARRAY, INT32 = 4, 6, 8, 9, 5
NORMAL, UNKNOWN, CONTROL_TYPE, BYTE = 1, 2, 3, 6


def write_gguf(path: Path, context: int = 512) -> Path:
    """Write the model; its window is ``context`` tokens."""
    letters = [*LETTERS, "▁"]
    tokens = ["<unk>", *CONTROL, *(f"<0x{n:02X}>" for n in range(256)), *letters]
    kinds = [UNKNOWN, *[CONTROL_TYPE] * len(CONTROL), *[BYTE] * 256, *[NORMAL] * len(letters)]
    draw = np.random.default_rng(7)
    # Only letters can be said: every other row of the last matrix is zero.
    said = draw.normal(size=(len(tokens), WIDTH)) * 0.5
    said[: -len(letters)] = 0
    tensors = {
        "token_embd.weight": draw.normal(size=(len(tokens), WIDTH)),
        "output_norm.weight": np.ones(WIDTH),
        "output.weight": said,
        "blk.0.attn_norm.weight": np.ones(WIDTH),
        "blk.0.ffn_norm.weight": np.ones(WIDTH),
        **{
            f"blk.0.attn_{name}.weight": draw.normal(size=(WIDTH, WIDTH)) * 0.3
            for name in ("q", "k", "v", "output")
        },
        "blk.0.ffn_gate.weight": draw.normal(size=(HIDDEN, WIDTH)) * 0.3,
        "blk.0.ffn_up.weight": draw.normal(size=(HIDDEN, WIDTH)) * 0.3,
        "blk.0.ffn_down.weight": draw.normal(size=(WIDTH, HIDDEN)) * 0.3,
    }
    fields = [
        _field("general.architecture", STRING, _string("llama")),
        _field("llama.context_length", UINT32, struct.pack("<I", context)),
        _field("llama.embedding_length", UINT32, struct.pack("<I", WIDTH)),
        _field("llama.block_count", UINT32, struct.pack("<I", 1)),
        _field("llama.feed_forward_length", UINT32, struct.pack("<I", HIDDEN)),
        _field("llama.attention.head_count", UINT32, struct.pack("<I", HEADS)),
        _field("llama.rope.dimension_count", UINT32, struct.pack("<I", WIDTH // HEADS)),
        _field("llama.attention.layer_norm_rms_epsilon", FLOAT32, struct.pack("<f", 1e-5)),
        _field("tokenizer.ggml.model", STRING, _string("llama")),
        _field("tokenizer.ggml.tokens", ARRAY, _array(STRING, [_string(t) for t in tokens])),
        _field(
            "tokenizer.ggml.scores",
            ARRAY,
            _array(FLOAT32, [struct.pack("<f", -float(n)) for n in range(len(tokens))]),
        ),
        _field(
            "tokenizer.ggml.token_type",
            ARRAY,
            _array(INT32, [struct.pack("<i", kind) for kind in kinds]),
        ),
        _field("tokenizer.ggml.bos_token_id", UINT32, struct.pack("<I", 1)),
        _field("tokenizer.ggml.eos_token_id", UINT32, struct.pack("<I", 2)),
        _field("tokenizer.chat_template", STRING, _string(TEMPLATE)),
    ]
    head = struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(fields)) + b"".join(fields)
    data = b""
    for name, values in tensors.items():
        shape = values.shape[::-1]
        head += _string(name) + struct.pack("<I", len(shape))
        head += struct.pack(f"<{len(shape)}Q", *shape) + struct.pack("<IQ", 0, len(data))
        data += values.astype("<f4").tobytes()
        data += b"\0" * (-len(data) % 32)
    path.write_bytes(head + b"\0" * (-len(head) % 32) + data)
    return path


def _string(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def _field(key: str, kind: int, value: bytes) -> bytes:
    return _string(key) + struct.pack("<I", kind) + value


def _array(kind: int, values: list[bytes]) -> bytes:
    return struct.pack("<IQ", kind, len(values)) + b"".join(values)
