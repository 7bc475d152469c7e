"""A text as a row of words, and the small lists that tell when two words say opposite things."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import NamedTuple

from rag.sentences import pieces
from rag.spans import stripped
from rag.types import Span
from rag.verify_facts import Date, Quantity, plain, read_dates, read_quantities
from rag.words import akin, stems, word_set


def _stem(word: str) -> str:
    return (stems(word) or (word,))[0]


def _table(groups: str, within: bool) -> Mapping[str, frozenset[str]]:
    """Stem to its rivals: of ``a b / c d`` the other side, or ``within`` a group all the others."""
    table: dict[str, set[str]] = defaultdict(set)
    for group in groups.split("|"):
        sides = [[_stem(w) for w in side.split()] for side in group.split("/")]
        if within:
            sides = [[word] for side in sides for word in side]
        for i, side in enumerate(sides):
            for word in side:
                table[word].update(w for j, other in enumerate(sides) if j != i for w in other)
    return {word: frozenset(rivals) - {word} for word, rivals in table.items()}


FUNCTION_WORDS = word_set(
    """a about after all also am an and any are as at be because been before being both but by can
    could did do does doing done for from had has have having he her here hers him his how i if in
    into is it its itself just may me might more most must my no nor not of off on one only or other
    our out over own shall she should so some such than that the their theirs them themselves then
    there these they this those through to too under until up us very was we were what when where
    which while who whom whose why will with would you your s t d ll re ve m according however"""
)
NEGATIONS = word_set(
    """not no never none neither nor without cannot unable fail failed fails failing lack lacks
    lacked lacking refuse refused refuses deny denied denies denying hardly barely nothing nobody
    excluding except didn doesn don wasn weren isn aren hasn haven hadn couldn wouldn shouldn won
    mustn needn ain cant wont dont didnt doesnt isnt wasnt false"""
)
HEDGES = word_set(
    """may might could can possibly possible perhaps maybe likely unlikely probably potential
    potentially expected expect expects plan plans planned planning intend intends intended hope
    hopes hoped propose proposed proposes consider considering considered would should aims aim
    alleged allegedly reportedly suggest suggests suggested estimated believe believed think"""
)
QUANTIFIERS: Mapping[str, str] = {
    word: kind
    for kind, words in {
        "all": "all every each always entire entirely everyone everything fully wholly completely",
        "most": "most majority mostly largely mainly",
        "some": "some several many few partly partially sometimes certain occasionally often",
        "none": "none never nobody nothing",
        "only": "only solely exclusively",
    }.items()
    for word in words.split()
}
OPPOSITES = _table(
    """increase increased rise rose grow grew growth gain up climb climbed higher more expand raise
    raised surge surged improve / decrease decreased fall fell drop dropped decline declined lose
    loss down lower less fewer shrink shrank reduce reduced cut worsen plunged
    |before prior / after following|first initial / last final|begin began start started opening
    / end ended finish finished close stop stopped|most / least fewest
    |high highest / low lowest|large largest big biggest / small smallest|old older oldest / young
    younger youngest new newest|early earlier earliest / late later latest
    |best better / worst worse|north northern / south southern|east eastern / west western
    |male man men boy husband father son brother he / female woman women girl wife mother daughter
    sister she|above over exceed exceeding / below under|maximum / minimum|win won winner beat
    defeated / lose lost loser|buy bought acquire acquired purchase / sell sold
    |accept accepted approve approved / reject rejected refuse refused deny denied
    |allow allowed permit / ban banned prohibit prevent prevented forbid
    |include including included / exclude excluding excluded|open opened / close closed
    |join joined / leave left|public / private|success succeed successful succeeded / failure fail
    failed unsuccessful|support supported / oppose opposed|import / export|positive / negative
    |majority / minority|strong stronger strength / weak weaker weakness|left / right
    |major / minor|always / never|all / none|permanent / temporary|internal / external
    |add added / remove removed|create created / destroy destroyed|fast faster / slow slower
    |long longer longest / short shorter shortest|hot / cold|light / dark|rich / poor|day / night
    |alive born birth / dead died death|agree agreed / disagree disagreed|love loved like liked
    / hate hated dislike|single / double|fully completely wholly entirely / partially partly
    |domestic / foreign international|profit / loss|easy / hard difficult|supervised / unsupervised
    |common / rare|direct / indirect|active / inactive|legal / illegal|yes / no|remember / forget
    |arrive arrived / depart departed|employee / employer|teacher / student|attack / defend
    |upper / lower|inside / outside|with / without|annual annually yearly / monthly weekly daily
    quarterly|hire hired / fire fired dismissed|free / paid|safe / dangerous|true / false""",
    within=False,
)
RIVALS = _table(
    """monday tuesday wednesday thursday friday saturday sunday|spring summer autumn winter
    |red blue green yellow black white orange purple pink brown grey
    |morning afternoon evening night|north south east west|northern southern eastern western
    |father mother brother sister son daughter uncle aunt cousin grandmother grandfather
    |gold silver bronze|german french british american chinese japanese russian italian spanish
    dutch swedish canadian australian indian irish scottish
    |january february march april june july august september october november december
    |daily weekly monthly yearly|dollar euro pound yen""",
    within=True,
)
CONTRASTS = NEGATIONS | word_set(
    "but despite although though instead rather unlike only yet nor limited partially partly"
)
_PREFIX = re.compile(r"(?:un|in|im|il|ir|non|anti|dis|mis)(?=\w{4})")
_TOKEN = re.compile(r"\d[\d,.]*\d|\w+")


class Word(NamedTuple):
    """One word with its stem; ``content`` unless it only holds the sentence together."""

    stem: str
    lower: str
    capital: bool
    content: bool
    number: bool
    start: int
    end: int


class Text:
    """A text taken apart once: words, sentences, facts. Offsets are those of the text given."""

    def __init__(self, text: str) -> None:
        self.text = plain(text)
        self.words: list[Word] = []
        self.sentences: list[Span] = []
        self.bounds: list[tuple[int, int]] = []
        for span in _sentences(self.text):
            first = len(self.words)
            self.words.extend(_words(self.text, span))
            if len(self.words) > first:
                self.sentences.append(span)
                self.bounds.append((first, len(self.words)))

    @cached_property
    def places(self) -> Mapping[str, list[int]]:
        """Where each stem stands, as positions in ``words``."""
        places: dict[str, list[int]] = defaultdict(list)
        for i, word in enumerate(self.words):
            places[word.stem].append(i)
        return places

    @cached_property
    def by_start(self) -> Mapping[str, list[str]]:
        """The stems by their first four letters."""
        found: dict[str, list[str]] = defaultdict(list)
        for stem in self.places:
            if len(stem) >= 4 and not stem[0].isdigit():
                found[stem[:4]].append(stem)
        return found

    @cached_property
    def sentence_of(self) -> list[int]:
        """The number of the sentence that each word is in."""
        return [k for k, (a, b) in enumerate(self.bounds) for _ in range(a, b)]

    @cached_property
    def joined(self) -> frozenset[str]:
        """Neighbouring words written as one, and the initials of rows of capitals."""
        pairs = {a.lower + b.lower for a, b in zip(self.words, self.words[1:], strict=False)}
        row: list[str] = []
        initials: set[str] = set()
        for word in self.words:
            if word.capital:
                row.append(word.lower[0])
                initials.update("".join(row[k:]) for k in range(max(0, len(row) - 6), len(row) - 1))
            elif word.lower not in ("of", "and", "the", "for", "&"):
                row = []
        return frozenset(pairs | initials)

    @property
    def dates(self) -> tuple[Date, ...]:
        """What ``read_dates`` finds."""
        return read_dates(self.text)

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """What ``read_quantities`` finds."""
        return read_quantities(self.text)


@lru_cache(maxsize=256)
def read(text: str) -> Text:
    """A text taken apart; the last ones are kept, as one passage is asked about many times."""
    return Text(text)


def other_form(stem: str, text: Text) -> str | None:
    """Another form of a stem in a text, such as ``inventor`` for ``invention``."""
    return next((other for other in text.by_start.get(stem[:4], ()) if akin(stem, other)), None)


@lru_cache(maxsize=1)
def _thesaurus() -> tuple[Mapping[str, frozenset[str]], Mapping[str, frozenset[str]]]:
    """Stem to the stems that can stand for it, and to those that are its opposite."""
    stored = json.loads(files("rag").joinpath("verify_synonyms.json").read_text(encoding="utf-8"))
    tables = []
    for name in ("alike", "opposite"):
        table: dict[str, set[str]] = defaultdict(set)
        for group in stored[name].split("|"):
            members = group.split()
            for word in members:
                table[word].update(members)
        tables.append({word: frozenset(others) - {word} for word, others in table.items()})
    return tables[0], tables[1]


def synonyms(stem: str) -> frozenset[str] | None:
    """The stems that can stand for one, in some sense of it; None for a word that is not known."""
    return _thesaurus()[0].get(stem)


def opposites(stem: str) -> frozenset[str]:
    """The stems that say the opposite of one."""
    return _thesaurus()[1].get(stem, frozenset())


def bare(stem: str) -> str:
    """A stem without a prefix that reverses it, or "" where there is none."""
    match = _PREFIX.match(stem)
    return stem[match.end() :] if match else ""


def _words(text: str, span: Span) -> Iterator[Word]:
    for match in _TOKEN.finditer(text, span.start, span.end):
        for shape in _shapes(match[0]):
            yield Word(*shape, *match.span())


@lru_cache(maxsize=50_000)
def _shapes(said: str) -> tuple[tuple[str, str, bool, bool, bool], ...]:
    lower = said.lower()
    content = lower not in FUNCTION_WORDS
    return tuple(
        (stem, lower, said[0].isupper(), content, said[0].isdigit()) for stem in stems(said)
    )


def _sentences(text: str) -> Iterator[Span]:
    start = 0
    for line in text.split("\n"):
        for span in pieces(line):
            said = stripped(line, span)
            if said.start < said.end:
                yield said.moved(start)
        start += len(line) + 1
