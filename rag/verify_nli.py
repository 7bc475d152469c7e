"""A natural language inference model in place of the linear one, for who has one at hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from rag.errors import ModelError, first_line
from rag.verify import Verifier
from rag.verify_features import Finding


class NliVerifier(Verifier):
    """Scores by a sentence-transformers ``CrossEncoder``; the reasons are still those of words.

    The model reads (evidence, sentence) and gives either one number, or one per label, of which
    one is called entailment.
    """

    def __init__(self, name: str) -> None:
        """Load a model by name or folder. Raises ``ModelError`` saying what to do."""
        from sentence_transformers import CrossEncoder

        # Without vectors the features lack the similarities, which only the linear score needs.
        super().__init__(lambda texts: np.zeros((len(texts), 1), dtype=np.float32))
        try:
            self._model: Any = CrossEncoder(name, device="cpu")
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise ModelError(
                f"cannot load the verifier {name!r}: {first_line(error)}. "
                "Give the folder of a cross-encoder, or leave --verifier out"
            ) from error
        labels = {int(k): str(v) for k, v in self._model.config.id2label.items()}
        entailed = [k for k, v in labels.items() if v.lower().startswith(("entail", "supported"))]
        if len(labels) > 1 and not entailed:
            raise ModelError(
                f"the verifier {name!r} has no label called entailment but "
                f"{', '.join(labels.values())}: give a model for natural language inference"
            )
        self._entailed = entailed[0] if entailed else 0

    def _score(self, finding: Finding, sentence: str, evidence: str) -> float:
        """The better of two: all the evidence, cut at the model's length, or its best part."""
        import torch

        texts = [evidence]
        if finding.best:
            texts.append(evidence[finding.best.start : finding.best.end])
        logits = self._model.predict(
            [(text, sentence) for text in texts],
            activation_fn=torch.nn.Identity(),
            convert_to_tensor=True,
            show_progress_bar=False,
        ).reshape(len(texts), -1)
        chances = logits.sigmoid() if logits.shape[1] == 1 else logits.softmax(dim=1)
        return float(chances[:, self._entailed].max())

    def _is_sure(self, sentence: str, evidence: str) -> bool:
        """Such a model reads the order of the words too."""
        return True
