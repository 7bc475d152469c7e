"""Is a sentence supported by its evidence? A verdict, a score, and the reason in words.

A linear model over ``rag.verify_features``, fitted by ``eval.bench.fit_verify``. Its weights, its
thresholds, the data and the figures of the fit are in ``verify_weights.json``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from rag.odds import sigmoid
from rag.types import Span, Verdict
from rag.verify_facts import plain
from rag.verify_features import FEATURES, Embed, Finding, examine, rarity_from
from rag.verify_shorter import CONDITIONS, is_shortened
from rag.verify_words import HEDGES, NEGATIONS, read

if TYPE_CHECKING:
    from rag.embed import Encoder

_MODEL: Mapping[str, Any] = json.loads(
    files("rag").joinpath("verify_weights.json").read_text(encoding="utf-8")
)
SUPPORTED: float = _MODEL["supported"]
"""From this score on a sentence counts as supported."""
PARTIAL: float = _MODEL["partial"]
"""From this score on, up to ``SUPPORTED``, it counts as partly supported."""
SURE: float = _MODEL["sure"]
"""From this score on it may be sure; see ``Judgement``."""
JUST_BELOW = SUPPORTED - 0.01

# A number's scale or unit is no less of it than its digits, and half a range is none.
_NO_MORE = r"(?![^\S\n]*[\w%]|[.,]\d|\s*[-/:]\s*\d)"
_WEIGHTS = np.array([_MODEL["weights"].get(name, 0.0) for name in FEATURES])
_RARITY = rarity_from(
    {stem: float(value) for stem, value in (p.rsplit("=", 1) for p in _MODEL["common"].split())}
)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the evidence says about a sentence.

    ``score`` in [0, 1] is the confidence that it is supported; ``verdict`` follows from it alone.
    ``reasons`` say what speaks against it, in words for the reader; none when it is supported.
    ``best`` is where the evidence is nearest, None without evidence. ``sure``: so well supported
    that it may be said in its own words where nothing unsupported may be said.
    """

    verdict: Verdict
    score: float
    reasons: tuple[str, ...]
    best: Span | None
    sure: bool = False


class Verifier:
    """Judges sentences by the linear model. Safe to share between threads."""

    def __init__(self, embed: Embed) -> None:
        """``embed`` gives unit vectors of the default embedding model, which the weights expect."""
        self._embed = embed

    def verify(self, sentence: str, evidence: str | Sequence[str]) -> Judgement:
        """Judge one sentence against its evidence, given as one text or several.

        The characters of ``best`` are those of the text, or of the texts joined by line breaks.
        """
        text = evidence if isinstance(evidence, str) else "\n".join(evidence)
        if not read(sentence).words:
            return Judgement("unsupported", 0.0, ("the sentence says nothing",), None)
        if not read(text).words:
            return Judgement("unsupported", 0.0, ("there is no evidence",), None)
        if copied := find_copy(sentence, text):
            return Judgement("supported", 1.0, (), copied, sure=True)
        finding = examine(sentence, text, _RARITY, self._embed)
        score = self._score(finding, sentence, text)
        if finding.contradicted():
            score = min(score, JUST_BELOW)
        verdict = verdict_of(score)
        reasons = () if verdict == "supported" else tuple(dict.fromkeys(finding.reasons))
        if verdict != "supported" and not reasons:
            reasons = (_missing(sentence, text),)
        sure = score >= SURE and self._is_sure(sentence, text)
        return Judgement(verdict, score, reasons, finding.best, sure)

    def _score(self, finding: Finding, sentence: str, evidence: str) -> float:
        return sigmoid(float(_WEIGHTS @ np.array(finding.row())) + float(_MODEL["intercept"]))

    def _is_sure(self, sentence: str, evidence: str) -> bool:
        """Whether a high score is enough: the features know little of who did what to whom."""
        return is_shortened(sentence, evidence)


def verdict_of(score: float) -> Verdict:
    """The verdict that a score stands for."""
    return "supported" if score >= SUPPORTED else "partial" if score >= PARTIAL else "unsupported"


def load_verifier(name: str | None = None, encoder: Encoder | None = None) -> Verifier:
    """The verifier: the linear model, or the cross-encoder of a name or folder.

    ``encoder`` saves loading the default embedding model once more; another model's is not used.
    Raises ``ModelError`` when a model cannot be loaded.
    """
    if name is not None:
        from rag.verify_nli import NliVerifier

        return NliVerifier(name)
    from rag.embed import DEFAULT_MODEL, load_encoder

    if encoder is None or encoder.name != DEFAULT_MODEL:
        encoder = load_encoder()
    return Verifier(encoder.encode_sentences)


def find_copy(sentence: str, evidence: str) -> Span | None:
    """Where the evidence says a sentence word for word, whatever the quotes, dashes and spaces.

    A part of a sentence that is denied or doubted ("it is not true that ...") is no copy, nor is
    what a condition goes on from ("... only with consent") or the beginning of a number.
    """
    words = re.sub(r"(?<=\d)\.\s*$", "", plain(sentence)).split()
    pattern = r"(?<![\w.,$€£¥-])" if words[0][0].isdigit() else r"(?<!\w)" * words[0][0].isalpha()
    pattern += r"\s+".join(map(re.escape, words))
    pattern += _NO_MORE if words[-1][-1].isdigit() else r"(?!\w)" * words[-1][-1].isalpha()
    source = plain(evidence)
    for match in re.finditer(pattern, source):
        whole = next(
            (s for s in read(evidence).sentences if s.start <= match.start() < s.end), None
        )
        before = _small_words(source[whole.start : match.start()]) if whole else set()
        after = _small_words(source[match.end() : whole.end]) if whole else set()
        if not before & (NEGATIONS | HEDGES) and not after & CONDITIONS:
            return Span(match.start(), match.end())
    return None


def _small_words(text: str) -> set[str]:
    """The words of a text in small letters, without the month of May, which would be a doubt."""
    return {word.lower() for word in re.findall(r"\w+", text) if word != "May"}


def _missing(sentence: str, evidence: str) -> str:
    """The words of a sentence that the evidence has not, as a reason."""
    there = read(evidence).places
    words = [w.lower for w in read(sentence).words if w.content and w.stem not in there]
    if not words:
        return "the passage has the words but does not say this with them"
    return "the passage does not mention " + ", ".join(f"'{w}'" for w in dict.fromkeys(words[:4]))
