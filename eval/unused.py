"""Whether an answer needs what it cites: would it say the same without?"""

from __future__ import annotations

import logging

from eval.cases import Case
from eval.hidden import without
from eval.metrics import normalize_answer
from eval.record import Spot, citations_of, spot_of
from rag.errors import FootnoteError
from rag.index import Index
from rag.settings import Settings
from rag.types import Answer

_LOG = logging.getLogger(__name__)


def unused_citations(
    index: Index, case: Case, answer: Answer, settings: Settings, hidden: tuple[Spot, ...] = ()
) -> tuple[bool, ...] | None:
    """For each sentence, whether it is said again when no passage that is cited can be found.

    Quotations are made of what they cite: none is said without it. What a language model wrote is
    asked for once more, without the ``hidden`` characters either; sentences are the same by their
    words, shown or withheld, since it is the writing that did without. None when that failed.
    """
    nothing = (False,) * len(answer.sentences)
    if answer.engine != "llm" or not answer.citations:
        return nothing
    cited = [spot_of(citation) for citation in citations_of(answer)]
    try:
        again = without(index, [*hidden, *cited]).ask(case.question, case.history, settings)
    except FootnoteError as error:
        _LOG.warning("case %s could not be asked without its citations: %s", case.id, error)
        return None
    if not again.model and (again.status == "answered" or any("model" in n for n in again.notes)):
        _LOG.warning("case %s: without its citations %s", case.id, "; ".join(again.notes))
        return None  # quotations took the place of what the model would have written
    written = again.sentences if again.engine == "llm" else ()
    said = {normalize_answer(s.text) for s in (*written, *again.withheld)}
    return tuple(bool(s.citations) and normalize_answer(s.text) in said for s in answer.sentences)
