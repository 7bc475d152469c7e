"""A receipt against the index, later: are the quotes there, are the sources and verdicts the same?

Nothing is asked anew and no language model is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, Literal

from rag.bind import judge, place_of, statement
from rag.index import Index
from rag.library import Library
from rag.receipt import BUILT_IN, CitedSource, Receipt
from rag.standing import changed_files
from rag.tables import Standing
from rag.types import Citation, Sentence, Verdict
from rag.verify import Verifier, load_verifier

Result = Literal["ok", "changed", "broken"]
Quote = Literal["there", "moved", "missing"]
_Load = Callable[[], Verifier]
_RANK: Mapping[Verdict, int] = {"unsupported": 0, "partial": 1, "supported": 2}


@dataclass(frozen=True, slots=True)
class CitationCheck:
    """What has become of one quote.

    ``quote``: ``there`` at the recorded offsets; ``moved``, when the document was read anew and
    has it elsewhere; ``missing``. ``standing`` is that of the source. ``detail`` is for the reader.
    """

    number: int
    uri: str
    result: Result
    quote: Quote
    standing: Standing
    detail: str


@dataclass(frozen=True, slots=True)
class SentenceCheck:
    """The verdict on one sentence as recorded and as it is now; ``reasons`` are those of now."""

    text: str
    result: Result
    recorded: Verdict
    now: Verdict
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """A receipt held against an index.

    ``ok``: all is as it was. ``changed``: every quote can be shown and no verdict is worse, but a
    source has another version, or was read differently. ``broken``: a quote is not there, or a
    verdict is worse than recorded.
    """

    result: Result
    citations: tuple[CitationCheck, ...]
    sentences: tuple[SentenceCheck, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return asdict(self)


def check_receipt(index: Index, receipt: Receipt) -> Check:
    """Check a receipt against the index that gave the answer.

    Verdicts are those of the verifier that ``index.settings`` name, never of one that the receipt
    names: a file from elsewhere does not choose what is loaded. Raises ``ModelError`` when the
    verifier cannot be loaded.
    """
    sources = {source.id: source for source in receipt.sources}
    with index.library.reading():
        hashes = index.library.hashes()
        citations = tuple(
            _check_citation(index.library, citation, sources.get(citation.source_id), hashes)
            for citation in receipt.citations
        )
    notes = []
    sentences: tuple[SentenceCheck, ...] = ()
    if receipt.policy == "off":
        notes.append("the sentences were not checked when the answer was made, nor are they now")
    else:
        load = cache(lambda: load_verifier(index.settings.verifier or None, index.encoder))
        sentences = tuple(
            _check_sentence(sentence, receipt, load) for sentence in receipt.sentences
        )
        verifier = index.settings.verifier or BUILT_IN
        if receipt.verifier != verifier and load.cache_info().currsize:
            notes.append(f"the verdicts were of the verifier {receipt.verifier}, now of {verifier}")
    results: set[Result] = {row.result for row in citations} | {row.result for row in sentences}
    if said := _said_apart(receipt):
        results.add("broken")
        notes.append(f"the answer's text says what is in none of its sentences: {said[:80]!r}")
    result: Result = (
        "broken" if "broken" in results else "changed" if "changed" in results else "ok"
    )
    return Check(result, citations, sentences, tuple(notes))


def _said_apart(receipt: Receipt) -> str:
    """What the text of an answer says outside its sentences, which must be no words."""
    if receipt.status == "declined":
        return ""
    apart, end = [], 0
    for sentence in sorted(receipt.sentences, key=lambda s: s.start):
        apart.append(receipt.text[end : max(end, sentence.start)])
        end = max(end, sentence.end)
    rest = " ".join((*apart, receipt.text[end:]))
    return " ".join(rest.split()) if any(map(str.isalpha, rest)) else ""


def _check_citation(
    library: Library, citation: Citation, source: CitedSource | None, hashes: set[str]
) -> CitationCheck:
    standing = library.standing(citation.source_id)
    if standing == "gone":
        return _cited(
            citation, "broken", "missing", standing, "its document was removed from the index"
        )
    current = library.sources([citation.source_id]).get(citation.source_id)
    if source is None or source.sha256 not in ({current.sha256} if current else hashes):
        detail = "the index has another document under this name than the receipt was made of"
        return _cited(citation, "broken", "missing", standing, detail)
    text = library.text(citation.source_id)
    quote: Quote = "there"
    details = ["the quote is where it was"]
    if citation.start < 0 or text[citation.start : citation.end] != citation.quote:
        found = text.find(citation.quote)
        if found < 0:
            detail = "the document does not say this"
            return _cited(citation, "broken", "missing", standing, detail)
        quote = "moved"
        details = [f"the document was read anew and says this at character {found:,} now"]
    if current is None:
        if quote == "there":
            details = ["the quote stands in the earlier version that was quoted"]
        details.append(_said_now(library, citation))
    else:
        places = (current.uri, *current.also_at)
        if citation.uri not in places:
            details.append(f"the document lies at {current.uri} now")
        # As long as one of its places still holds what was read, so does the index.
        changed = changed_files(library, places)
        if citation.uri in changed or len(changed) == len(places):
            details.append("the file has changed since it was read: `footnote ingest` reads it")
    result: Result = "ok" if len(details) == 1 and quote == "there" else "changed"
    return _cited(citation, result, quote, standing, "; ".join(details))


def _said_now(library: Library, citation: Citation) -> str:
    """What became of a quote whose file was read again since with another content."""
    places = ((s, uri) for s in library.sources().values() for uri in (s.uri, *s.also_at))
    now = next((source for source, uri in places if uri == citation.uri), None)
    if now is None:
        return "its file is no longer in the index"
    quote, text = " ".join(citation.quote.split()), " ".join(library.text(now.id).split())
    said = "still says this" if quote in text else "no longer says this"
    return f"the file has another content now and {said}"


def _cited(
    citation: Citation, result: Result, quote: Quote, standing: Standing, detail: str
) -> CitationCheck:
    return CitationCheck(citation.number, citation.uri, result, quote, standing, detail)


def _check_sentence(sentence: Sentence, receipt: Receipt, load: _Load) -> SentenceCheck:
    quotes = [citation.quote for citation in sentence.citations]
    now: Verdict = "supported"
    reasons: tuple[str, ...] = ()
    # A copy needs no judge, and so no model.
    if not any(" ".join(quote.split()) == sentence.text for quote in quotes):
        evidence = [(place_of(c.title, c.headings), c.quote) for c in sentence.citations]
        judged = judge(statement(sentence.text, receipt.query), evidence, load())
        now, reasons = judged.verdict, judged.reasons
    change = _RANK[now] - _RANK[sentence.verdict]
    result: Result = "broken" if change < 0 else "changed" if change else "ok"
    if receipt.text[sentence.start : sentence.end] != sentence.text:
        result, reasons = "broken", (*reasons, "the answer's text has something else in its place")
    return SentenceCheck(sentence.text, result, sentence.verdict, now, reasons)
