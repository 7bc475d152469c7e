"""An answer written by a language model, of which only what was bound and checked is said."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rag.bind import Bound, bind
from rag.errors import ModelError
from rag.extractive import cite
from rag.llm import LanguageModel, Reply
from rag.prompt import NOTHING, Prompt, answer_prompt, rewrite_prompt
from rag.reply import Claim, ReplyReader, unmarked
from rag.types import Citation, Passage, Policy, Sentence, Span, Turn
from rag.verify import Verifier

LONGEST_QUOTE = 600  # characters of a passage said instead of a sentence
LONGEST_QUESTION = 400  # characters of a rewritten question; what is longer is no question
NOT_SURE = "the passage has most of it, and the check is not sure that it says this"
_POINTS_BACK = re.compile(r"(?:it|its|he|his|she|her|they|their|this|that|these|those)\b", re.I)
_PROSE = re.compile(
    r"\b(?:why|explain|compare|differ\w*|summar\w+|describe|overview|reasons?"
    r"|how (?:do|does|did|is|are)|advantages|disadvantages|relationship|versus|vs|between)\b",
    re.IGNORECASE,
)
_MISSING = re.compile(rf"(?:{NOTHING}|the passages (?:do|does) not)\b\W*(?P<what>.*)", re.I | re.S)
_THERE = r"(?:passages?|contexts?|documents?|texts?|information)"
_UNKNOWN = re.compile(
    r"\bi (?:do not|don['’]t|cannot|can['’]t|could not) (?:know|find|answer|determine|tell)\b"
    rf"|\b(?:the|these|this|provided|given|your) (?:provided |given )?{_THERE} [^.]{{0,40}}?"
    r"(?:do|does|did)(?: not|n['’]t) "
    r"(?:say|state|mention|contain|provide|specify|include|answer|give|tell|explain|discuss)\b"
    r"|\b(?:is|are|was|were) not [^.]{0,30}?(?:in|by) (?:the|these|any) "
    rf"(?:provided |given )?{_THERE}\b"
    r"|\bno (?:passage|information|mention|document)\b",
    re.IGNORECASE,
)


@dataclass
class Draft:
    """An answer while it grows: text, sentences with their citations, and what was kept back.

    ``missing`` is what the model says the passages do not tell, "" for the answer as such. ``cut``:
    it was stopped by its limit, and its last words are left out. ``lead`` is that of a line whose
    first sentence was kept back. ``quoted`` counts the sentences that the passages' own words stand
    for. ``broken``: nothing is said yet, or what was to be said last was not.
    """

    prompt: Prompt
    policy: Policy
    text: str = ""
    sentences: list[Sentence] = field(default_factory=list)
    citations: list[Citation] = field(default_factory=list)
    withheld: list[Sentence] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    usage: Mapping[str, int] = field(default_factory=dict)
    cut: bool = False
    lead: str = ""
    quoted: int = 0
    broken: bool = True

    def add(self, bound: Bound) -> str:
        """Say a sentence, or keep it back. Returns the text that came to the answer, maybe none.

        With policy strict, what is supported but not surely is said in the passage's own words, and
        so is what leans on a sentence that was not said.
        """
        claim = bound.claim
        leans = self.broken and bool(_POINTS_BACK.match(unmarked(claim.text)))
        kept_back = self.policy == "strict" and (leans or not bound.sure)
        self.broken = kept_back
        if kept_back and bound.verdict == "supported":
            if _can_be_quoted(bound):
                return self._quote_for(bound)
            bound = replace(bound, reasons=(NOT_SURE,))
        begins = claim.lead.strip(" ")
        if kept_back:
            self.lead = claim.lead if begins else self.lead
            start = end = len(self.text)
            citations = tuple(cite(0, passage, span) for passage, span in bound.evidence)
        else:
            lead = claim.lead if begins else self.lead or claim.lead
            lead = lead if self.text else lead.lstrip()
            self.lead = ""
            start = len(self.text) + len(lead)
            end = start + len(claim.text)
            citations = tuple(self._cite(passage, span) for passage, span in bound.evidence)
        sentence = Sentence(
            claim.text, start, end, bound.verdict, bound.score, citations, bound.reasons
        )
        if kept_back:
            self.withheld.append(sentence)
            return ""
        marks = "".join(f"[{c.number}]" for c in citations)
        piece = f"{lead}{claim.text}{' ' if marks else ''}{marks}"
        self.text += piece
        self.sentences.append(sentence)
        return piece

    def quote(self, passage: Passage, span: Span, lead: str = "\n") -> str:
        """Add a quotation as a sentence of its own. Returns the text that came to the answer."""
        body = " ".join(cite(0, passage, span).quote.split())
        self.broken = False  # a quotation leans on its source, which is cited
        evidence = ((passage, span),)
        return self.add(Bound(Claim(body, lead=lead), "supported", 1.0, (), evidence, sure=True))

    def _quote_for(self, bound: Bound) -> str:
        """Say the evidence of a sentence instead of it, once."""
        self.quoted, self.broken = self.quoted + 1, False
        said = {sentence.text for sentence in self.sentences}
        pieces, lead = "", bound.claim.lead
        for passage, span in bound.evidence:
            if " ".join(cite(0, passage, span).quote.split()) not in said:
                pieces += self.quote(passage, span, lead)
                lead = " "
        return pieces

    def _cite(self, passage: Passage, span: Span) -> Citation:
        """The citation of these characters: the one there is, or a new one with the next number."""
        new = cite(len(self.citations) + 1, passage, span)
        for old in self.citations:
            if (old.source_id, old.start, old.end) == (new.source_id, new.start, new.end):
                return old
        self.citations.append(new)
        return new


def _can_be_quoted(bound: Bound) -> bool:
    """Whether its evidence is short, and it is no row of a table that a quotation would break."""
    length = sum(span.end - span.start for _, span in bound.evidence)
    return 0 < length <= LONGEST_QUOTE and not bound.claim.text.startswith("|")


def write(
    question: str,
    passages: Sequence[Passage],
    model: LanguageModel,
    verifier: Verifier,
    policy: Policy,
) -> Generator[str, None, Draft]:
    """Let a model answer from passages, the worthiest first; yields text as it is said.

    Raises ``ModelError`` when the model fails, breaks off, or cannot read a single passage: what
    was yielded before is then no answer.
    """
    prompt = answer_prompt(
        question, passages[: model.passages], model.prompt_tokens, model.count, not model.small
    )
    if not prompt.passages:
        raise ModelError(
            f"the window of {model.name}, {model.window:,} tokens, has no room for a passage: "
            "use a model with a longer one"
        )
    draft = Draft(prompt, policy)
    reply, claimed = Reply(model, prompt.messages), ReplyReader()
    claims: list[Claim] = []

    def said() -> Iterator[str]:
        for claim in claims:
            yield from _say(claim, question, draft, verifier)
        claims.clear()

    for piece in reply:
        claims += claimed.feed(piece)
        yield from said()
    claims += claimed.end()
    draft.cut, draft.usage = reply.cut, reply.usage
    if draft.cut:
        claims = claims[:-1]
    yield from said()
    return draft


def rewrite(
    question: str, history: Sequence[Turn], model: LanguageModel
) -> tuple[str | None, Mapping[str, int]]:
    """A follow-up as a question that stands alone, and the tokens that took.

    None for a reply that is no such question. Raises ``ModelError`` when the model fails.
    """
    reply = Reply(model, rewrite_prompt(question, history))
    text = "".join(reply).rpartition("</think>")[2]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) != 1 or len(lines[0]) > LONGEST_QUESTION or not any(map(str.isalnum, lines[0])):
        return None, reply.usage
    return lines[0].strip("\"'“” "), reply.usage


def _say(claim: Claim, question: str, draft: Draft, verifier: Verifier) -> Iterator[str]:
    """Bind and judge a claim; what only says that something is not there is no claim."""
    text = unmarked(claim.text)
    missing = _MISSING.match(text)
    if missing or _UNKNOWN.search(text):
        what = missing["what"].strip(" .:") if missing else text
        draft.missing.append(what)
    elif not text.endswith(":"):
        piece = draft.add(bind(claim, draft.prompt.passages, verifier, question))
        if piece:
            yield piece


def wants_prose(question: str) -> bool:
    """Whether a question asks for more than a fact, so that writing may serve it better."""
    return bool(_PROSE.search(question))
