"""What makes an answer a lesser one, in words for the reader."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

from rag.followup import CARRIED, content_words, terms_of
from rag.generate import Draft
from rag.library import Library
from rag.llm import LanguageModel
from rag.select import Candidate, in_conflict
from rag.standing import changed_files
from rag.types import Citation, Passage
from rag.words import CHIEFS, asked_tokens

NAMED = 3
"""Of the sources that say the same, so many are named."""
WORDS = 5
"""So many words that no passage has are told of."""


def about_library(library: Library, cited: Iterable[str]) -> list[str]:
    """Notes on passages still without a vector, and on the files cited, by place."""
    notes = []
    if library.owed(1):
        notes.append(
            f"{library.counts().owed:,} passages have no vector yet and are found by their words "
            "only: `footnote ingest` completes them"
        )
    notes += [
        f"{uri} is no longer as it was when it was read: `footnote ingest` reads it again"
        for uri in changed_files(library, cited)
    ]
    return notes


def about_words(queries: Sequence[str], library: Library) -> list[str]:
    """A note on the words of declined questions that no passage has, in no form of theirs."""
    if not len(library.lexical):
        return []
    words = dict.fromkeys(w for query in queries for w in content_words(CARRIED.sub("", query)))
    with library.reading():
        absent = [f"“{word}”" for word in words if not library.holding(_forms(word))]
    if not absent:
        return []
    *others, last = absent[:WORDS]
    return [f"no passage has {', '.join(others)}{' or ' if others else ''}{last}"]


def _forms(word: str) -> list[str]:
    """The terms of a word, also of its base, and of what is written in two ways of the other."""
    if word.lower() in CHIEFS:
        return [*terms_of(word), "chief"]
    return [*terms_of(word), *(t.stem for t in asked_tokens(word))]


def about_choice(library: Library, sources: Sequence[str] | None) -> list[str]:
    """A note that only some sources were asked, which is another thing than the whole library."""
    if sources is None:
        return []
    there = library.counts().sources
    return [f"only {there:,} chosen {'source was' if there == 1 else 'sources were'} asked"]


def disagreements(citations: Sequence[Citation]) -> list[str]:
    """Which cited sources say the same in all but the figures, with their dates."""
    return [
        f"the sources disagree: [{a.number}] {_dated(a)} and [{b.number}] {_dated(b)}"
        for a, b in combinations(citations, 2)
        if in_conflict(a, a.quote, b, b.quote)
    ]


def about_copies(citations: Sequence[Citation], passages: Sequence[Passage]) -> list[str]:
    """Which other sources hold a cited sentence word for word, and were left out as copies."""
    notes = []
    for citation in citations:
        quote = " ".join(citation.quote.split())
        titles = dict.fromkeys(
            copy.source.title
            for passage in passages
            if passage.source.id == citation.source_id
            for copy in passage.copies
            if copy.source.id != citation.source_id and quote in " ".join(copy.chunk.text.split())
        )
        if titles:
            more = f" and {len(titles) - NAMED} more" if len(titles) > NAMED else ""
            named = "; ".join(list(titles)[:NAMED])
            notes.append(f"[{citation.number}] is also said, word for word, in {named}{more}")
    return notes


def about_lists(chosen: Sequence[Candidate]) -> list[str]:
    """Notes on lists that are too long to be quoted whole."""
    return [f"the list goes on in {c.passage.source.title}" for c in chosen if c.goes_on]


def about_draft(draft: Draft, model: LanguageModel) -> list[str]:
    """Notes on what a model wrote, and on what was kept back of it."""
    notes = []
    if draft.withheld:
        notes.append(f"{_sentences(draft.withheld)} withheld: the passages do not support that")
    if draft.quoted:
        one = draft.quoted == 1
        notes.append(
            f"{draft.quoted} sentence{' is' if one else 's are'} given in the passages' own words: "
            f"the check was not sure of the model's"
        )
    doubtful = [s for s in draft.sentences if s.verdict != "supported"]
    if doubtful and draft.policy == "mark":
        notes.append(f"{_sentences(doubtful)} not, or only partly, supported by the passages")
    if draft.sentences:
        notes += [f"not in the passages, by the model: {what}" for what in draft.missing if what]
    if draft.cut:
        notes.append("the model reached its limit of length; its last sentence is left out")
    if left_out := draft.prompt.left_out:
        shown = len(draft.prompt.passages)
        notes.append(
            f"{left_out} of {left_out + shown} passages did not fit into the {model.window:,} "
            f"tokens of {model.name}{model.note}"
        )
    return notes


def _sentences(sentences: Sequence[object]) -> str:
    return "1 sentence is" if len(sentences) == 1 else f"{len(sentences)} sentences are"


def _dated(citation: Citation) -> str:
    return f"{citation.title} ({citation.date[:10] or 'without a date'})"
