"""Words as questions and sentences are compared by: their stems, and the shape that they have."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from rag.lexical import IDENTIFIER, WHOLE, analyze


def word_set(words: str) -> frozenset[str]:
    """Words that are written with spaces between them."""
    return frozenset(words.split())


_TOKEN = re.compile(rf"{IDENTIFIER.pattern}|\d[\d,.]*\d|\w+")
STOP = word_set(
    """a about after all also am an and any are as at be because been being but by can could did do
    does doing for from get give got had has have having he her here him his how i if in into is it
    its just me my of on or our shall she should so some such tell than that the their them then
    there these they this those to too us was we were what when where which while who whom whose why
    will with would you your s t d ll re ve please many much name called mean explain describe list
    according"""
)
_PLURALS = {"children": "child", "feet": "foot", "men": "man", "teeth": "tooth", "women": "woman"}
IRREGULAR = {
    form: base
    for base, forms in {
        "arise": "arose arisen", "beat": "beaten", "become": "became", "begin": "began begun",
        "bend": "bent", "bite": "bitten", "blow": "blew blown", "break": "broke broken",
        "breed": "bred", "bring": "brought", "build": "built", "buy": "bought", "catch": "caught",
        "choice": "choices", "choose": "chose chosen", "cling": "clung", "come": "came",
        "creep": "crept", "deal": "dealt", "deep": "depth", "die": "dead death", "dig": "dug",
        "draw": "drawn drew", "drink": "drank drunk", "drive": "driven drove", "eat": "ate eaten",
        "fall": "fallen fell", "feel": "felt", "fight": "fought", "flee": "fled",
        "fly": "flew flown", "forbid": "forbade forbidden", "forget": "forgot forgotten",
        "freeze": "froze frozen", "give": "gave given", "go": "gone went",
        "grow": "grew grown growth", "hear": "heard", "hide": "hid hidden", "high": "height",
        "hold": "held", "keep": "kept", "know": "knew known", "lay": "laid", "lead": "led",
        "leave": "left", "live": "life lives", "long": "length", "lose": "loss lost",
        "make": "made", "mean": "meant", "meet": "met", "overcome": "overcame",
        "own": "owner owners", "pay": "paid", "prove": "proven", "ride": "rode ridden",
        "rise": "risen rose", "run": "ran", "say": "said", "see": "saw seen", "seek": "sought",
        "sell": "sold", "send": "sent", "shake": "shook shaken", "show": "shown",
        "shrink": "shrank shrunk", "sing": "sang song sung", "sink": "sank sunk", "sleep": "slept",
        "speak": "spoke spoken", "spend": "spent", "spin": "spun", "spring": "sprang sprung",
        "stand": "stood", "start": "onset", "steal": "stole stolen", "stick": "stuck",
        "strike": "struck", "strong": "strength", "swear": "swore sworn", "sweep": "swept",
        "swim": "swam swum", "swing": "swung", "take": "took taken", "teach": "taught",
        "tear": "tore torn", "think": "thought", "throw": "threw thrown",
        "undergo": "underwent undergone", "understand": "understood", "wake": "woke woken",
        "wear": "wore worn", "weave": "wove woven", "wide": "width", "win": "won",
        "withdraw": "withdrew withdrawn", "write": "wrote written",
    }.items()
    for form in forms.split()
}  # fmt: skip
"""Irregular forms in small letters, mostly of verbs, and their bases: ``built``."""
NUMBER_WORDS = {
    "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7",
    "eight": "8", "nine": "9", "ten": "10", "eleven": "11", "twelve": "12", "twenty": "20",
    "first": "1st", "second": "2nd", "third": "3rd", "zero": "0", "hundred": "100",
}  # fmt: skip
_HEADS = "executive|financial|information|marketing|operating|technology"
_CHIEF = re.compile(rf"\bchief ({_HEADS})(?: officer)?\b", re.IGNORECASE)
_IN_FULL = {
    "EU": "European Union", "UK": "United Kingdom", "UN": "United Nations",
    "US": "United States", "USA": "United States",
    **dict.fromkeys(("HQ", "hq", "headquarters", "headquartered"), "head office"),
}  # fmt: skip
_CUT_SHORT = re.compile(  # "us" and "un" are words, and so is the "US" of "CONTACT US"
    r"(?<![A-Z]{2} )(?<![\w.])"
    r"(?:U\.(?:S\.(?:A\.)?|K\.|N\.)|E\.U\.|USA?|UK|EU|UN|HQ|hq|headquarter(?:s|ed))(?!\w)"
)
CHIEFS = word_set("ceo cfo cio cmo coo cto")
_QUARTERS = {f"q{n}": (nth, "quarter") for n, nth in enumerate(("1st", "2nd", "3rd", "4th"), 1)}
_NO_NAMES = CHIEFS | word_set("hr vp") | _QUARTERS.keys()
"""What is written large and names nobody."""


@dataclass(frozen=True, slots=True)
class Token:
    """One word: its stem, and the little of its shape that tells names and numbers.

    An identifier has one for each of its words, and then one for itself, which is ``whole``.
    """

    stem: str
    lower: str
    capital: bool
    digit: bool

    @property
    def whole(self) -> bool:
        """Whether the stem is that of an identifier as a whole."""
        return self.stem.startswith(WHOLE)


@lru_cache(maxsize=50_000)
def stems(word: str) -> tuple[str, ...]:
    """The terms of one word as the index has them; irregular forms and numbers meet their base."""
    if IDENTIFIER.fullmatch(word):
        return tuple(analyze(word))
    word = word.lower()
    if word[0].isdigit():
        return (word.replace(",", ""),)
    if word in NUMBER_WORDS:
        return (NUMBER_WORDS[word],)
    if word in _QUARTERS:
        return _QUARTERS[word]
    return tuple(analyze(_PLURALS.get(word) or IRREGULAR.get(word, word)))


def stems_of(*texts: str) -> frozenset[str]:
    """The stems of all words of some texts."""
    return frozenset(token.stem for text in texts for token in tokens(text))


def content_stems(*texts: str) -> frozenset[str]:
    """The stems of all words of some texts but the small ones."""
    return frozenset(t.stem for text in texts for t in tokens(text) if t.lower not in STOP)


def akin(a: str, b: str) -> bool:
    """Whether two stems that begin alike are forms of one word; numbers never are."""
    shorter = min(len(a), len(b))
    if shorter < 4 or a[0].isdigit() or abs(len(a) - len(b)) > 4:
        return False
    shared = max(4, shorter - 1)
    return a[:shared] == b[:shared]


@lru_cache(maxsize=4096)
def tokens(text: str) -> tuple[Token, ...]:
    """The words of a text in order."""
    return tuple(
        Token(
            stem,
            word.lower(),
            word[0].isupper() and word.lower() not in _NO_NAMES,
            word[0].isdigit(),
        )
        for word in _TOKEN.findall(_in_one_way(text))
        for stem in stems(word)
    )


def asked_tokens(question: str) -> tuple[Token, ...]:
    """The words of a question in order, an identifier in one piece: others have its words too."""
    return tuple(t for t in tokens(question) if t.whole or not IDENTIFIER.fullmatch(t.lower))


def _in_one_way(text: str) -> str:
    """A text with what is said in two ways everywhere said in one: ``CEO``, ``United States``."""
    text = _CHIEF.sub(lambda found: f"C{found[1][0]}O", text)
    return _CUT_SHORT.sub(lambda found: _IN_FULL[found[0].replace(".", "")], text)


def is_figure(token: Token) -> bool:
    """Whether a word is a number, or the number in a quarter's short name: the 3 of ``Q3``."""
    return token.digit or (token.lower in _QUARTERS and token.stem != "quarter")
