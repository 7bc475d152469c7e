"""Follow-up questions: say again what the question leaves out, so that it can be searched alone.

No model and no index is asked. A question is touched only when its own words show that it leans on
the conversation ("How much was it?", "What about Google?", "Why?"). It then takes over the subject
of the last user turn that says something, itself completed from those before it, and for a pronoun
the names of the last answer, too. The result is shown to the reader: ``How much was it?
(about: Microsoft first invest OpenAI)``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.dates import is_month
from rag.lexical import IDENTIFIER, STOPWORDS, analyze
from rag.types import DECLINED, HOLDS, INVITATION, WHICH, Turn

MAX_CARRIED = 6  # terms taken over; a longer tail pulls the search back to the earlier question
MAX_NAMES = 2  # taken over from an answer; a third made nothing better
MAX_TURNS = 10  # user turns looked back on
SHORT = 2  # words of its own with which a question may still lean on what was said

CARRIED = re.compile(r" \(about: [^()]*\)$")
"""What ``carried_over`` adds to a question."""
_POINTING = """it its itself they them their theirs he him his she her hers this that these those"""
_TALKING = """please thanks thank ok okay hi hello yes really just more most much many else other
another one ones know tell give say said mean meant want need like think get got let us me
summarise summarize summary overview gist
anything something everything nothing anyone someone everyone anybody somebody everybody"""
_PRONOUNS = frozenset(_POINTING.split())
_EMPTY = STOPWORDS | _PRONOUNS | frozenset(_TALKING.split())  # of the conversation, not its subject

_WORD = re.compile(rf"{IDENTIFIER.pattern}|[^\W_]+(?:[-'’.&][^\W_]+)*")
_ENDING = re.compile(r"(?:n['’]t|['’]\w{1,2})$")
_OWNER = re.compile(r"['’]s?$")
_YEAR = re.compile(r"\b(?:1\d|20)\d\d\b")
_NAME = re.compile(r"(?<=[^\s.!?:(] )[A-Z][\w-]+(?: [A-Z0-9][\w-]*)*")  # not to begin a sentence
_NUMBER = re.compile(r" ?\[\d+\] ?")
_ROW = re.compile(r"(?:[^;:]{1,60}: )?([^;:]{1,60})(?:; [^;:]{1,60}: [^;]*)+(?<![.!?])")
_COUNT = re.compile(r"\d{1,3}")  # the class of a passenger is no name; a year is one
_SENTENCE = re.compile(r"\n(?:(?:[-*•]|\d+[.)]) )?|(?<=[.!?:])\s+")
_CONTINUES = re.compile(
    r"(?is)\W*(?:and|but|or|what about|how about)\b[\s,]*"
    r"(?:(?:in|for|at|on|by|from|with|the) )*(?P<rest>.*)"
)
_REPAIRS = re.compile(
    r"(?i)\W*(?:so,? |but |no,? )?i(?:['’]m| am| was)? (?:meant?|asking|referring)\b"
)
_ASKS = re.compile(
    r"(?i)\W*(?:wh(?:at|o|ose|en|ere|ich|y)|how|is|are|was|were|do|does|did|can|could|will|would"
    r"|should|has|have|had)\b"
)
_DEFINES = re.compile(
    r"(?i)\W*(?:(?:so|now|well|ok|okay),? )?"
    r"(?:what|who)(?:['’]s| is| are| was| were| does)\b(?! the\b)"
)
_ROLE = re.compile(r"\W*[Ww]ho\b.*\bthe [A-Z]{2,}s?\W*$")  # "Who is the CEO?"
_BARE = re.compile(
    r"\W*(?:[Ww]hy|[Hh]ow|[Ww]hen|[Ww]here)(?: in| at| on| for)?(?: [A-Z][\w-]*)+\W*$"
)
_DEFINITE = re.compile(r"(?i)\b(?:the|any|more|else|other|another)\b")
# "Is it possible to ...", "How long does it take to ...": this "it" stands for nothing.
EMPTY_IT = re.compile(
    r"(?i)\b(?:(?:is|was)(?:n['’]t)? it (?:\w+ ){1,5}?(?:to|that)"
    r"|(?:does|did|will) it (?:take(?! (?:place|part|effect|over))|cost|mean)"
    r"(?= .*\b(?:to|if|when|until|till|before)\b))\b"
)
# In a short question of one clause nothing can be what this "it" stands for.
_ENDS_BACK = re.compile(
    r"(?i)\b(?:(?:about|against|at|behind|by|for|from|in|into|of|on|to|under|with)\s"
    r"(?:it|them|him|her|this|that|those)|there)\W*$"
)
_TALK = (HOLDS, INVITATION, WHICH)
_NO_ANSWER = (DECLINED, *_TALK)
_SMALL_TALK = re.compile(
    r"(?i)(?:\W*\b(?:hello|hi|hey|good (?:morning|afternoon|evening|day)|thank you|thanks|cheers"
    r"|very much|a lot|bye|goodbye|ok|okay|great|perfect|help|who are you"
    r"|what (?:can|do) you do)\b)+\W*"
)
_NEW_CLAUSE = frozenset(["and", "but", "or", "if", "when", "because", "while"])


def standalone(question: str, history: Sequence[Turn]) -> str:
    """``question`` completed from the turns before it, or untouched when it stands alone.

    ``history`` is in order, oldest first. The rules know English; a question in another language
    is completed only when it has one or two words.
    """
    replies = [turn.text for turn in history[1:]] + [""] * bool(history)
    asked = [
        turn.text
        for turn, reply in zip(history, replies, strict=True)
        if turn.role == "user"
        and content_words(turn.text)
        and not is_small_talk(turn.text)
        and not reply.startswith(_TALK)
    ]
    context = ""
    for text in asked[-MAX_TURNS:]:
        context = _completed(text, context)
    last = history[-1] if history else None
    answered = last and last.role == "assistant" and not last.text.startswith(_NO_ANSWER)
    return _completed(question, context, _names(last.text) if last and answered else ())


def may_be_whole(question: str) -> bool:
    """Whether a question that ``standalone`` completed may be a whole one by itself.

    "What is the standard excess?" goes on from what was said, or turns to something else.
    """
    leans = _CONTINUES.match(question) or _REPAIRS.match(question) or _refers_back(question)
    return bool(not leans and _ASKS.match(question) and len(content_words(question)) > 1)


def is_small_talk(question: str) -> bool:
    """Whether a message asks the library for nothing: ``thanks``, ``hello``, ``help``."""
    return bool(_SMALL_TALK.fullmatch(question))


def _names(text: str) -> list[str]:
    """What an answer writes large, each once; of a table's row its first cell."""
    found: list[str] = []
    for line in _NUMBER.sub("\n", text).split("\n"):
        row = _ROW.fullmatch(line)
        for name in [row[1]] if row else _written_large(line):
            if not _COUNT.fullmatch(name) and not any(
                other in name or name in other for other in found
            ):
                found.append(name)
    return found


def _written_large(line: str) -> list[str]:
    """Identifiers of a line, and what it writes large but to begin a sentence, without months."""
    found: list[str] = IDENTIFIER.findall(line)
    for sentence in _SENTENCE.split("\n" + line):
        runs: list[list[re.Match[str]]] = []
        for match in _WORD.finditer(sentence):
            if not match[0][0].isupper():
                continue
            if runs and match.start() == runs[-1][-1].end() + 1:
                runs[-1].append(match)
            else:
                runs.append([match])
        for run in runs:
            words = [m for m in run if m[0].casefold() not in _EMPTY]
            begins = len(words) == 1 and words[0].start() == 0
            if not begins and not all(is_month(m[0]) for m in words):
                found.append(_ENDING.sub("", " ".join(m[0] for m in words)))
    return found


def _completed(question: str, earlier: str, names: Sequence[str] = ()) -> str:
    """``question`` with what it leans on in ``earlier``, the completed turn before it.

    ``names`` come first where a pronoun may stand for them.
    """
    if not earlier or not _leans(question):
        return question
    if (substituted := _substituted(question, earlier)) is not None:
        return substituted
    seen = set(analyze(question))
    carried: list[str] = []
    new = [name for name in names if not set(terms_of(name)) & set(analyze(earlier))]
    for word in [*(new[:MAX_NAMES] if _refers_back(question) else ()), *content_words(earlier)]:
        terms = terms_of(word)
        if not seen.issuperset(terms):
            seen.update(terms)
            carried.append(word)
    return carried_over(question, carried[:MAX_CARRIED])


def terms_of(word: str) -> list[str]:
    """The terms of a word, an identifier's as a whole."""
    return analyze(word)[-1:] if IDENTIFIER.fullmatch(word) else analyze(word)


def carried_over(question: str, words: Sequence[str]) -> str:
    """``question`` with words that it takes over, in a bracket that hardly any asker writes."""
    return f"{question} (about: {' '.join(words)})" if words else question


def _substituted(question: str, earlier: str) -> str | None:
    """``earlier`` asked again about what is new in ``question``, or None.

    That is a name or a year if it holds nothing else, or its last word if ``earlier`` ends in the
    same words but for that: "the range of bigint", "the range of smallint".
    """
    match = _CONTINUES.match(question)
    rest = _OWNER.sub("", match["rest"].strip(" \t\r\n?.!")) if match else ""
    if not rest or rest.casefold() in earlier.casefold():
        return None
    frame, _, new = rest.rpartition(" ")
    if content_words(frame) and content_words(new):
        place = re.search(
            rf"(?i)(?<!\w){re.escape(frame)} ((?:(?:an?|the) )?[\w.-]*\w)(?=\W*$)", earlier
        )
        if place:
            return earlier[: place.start(1)] + new + earlier[place.end(1) :]
    slot = None
    if _YEAR.fullmatch(rest):
        slot = _YEAR.search(earlier)
    elif _NAME.fullmatch(f"x {rest}", 2):
        slot = _NAME.search(earlier)
    return earlier[: slot.start()] + rest + earlier[slot.end() :] if slot else None


def _leans(question: str) -> bool:
    continues = _CONTINUES.match(question)
    if continues and _ASKS.match(continues["rest"]):
        question, continues = continues["rest"], None
    return bool(
        continues
        or _REPAIRS.match(question)
        or _refers_back(question)
        or _says_too_little(question)
    )


def _refers_back(question: str) -> bool:
    """Whether a pronoun comes before anything in the question that it could stand for."""
    clauses = _NEW_CLAUSE & {word.casefold() for word in _WORD.findall(question)}
    if _ENDS_BACK.search(question) and not clauses and len(content_words(question)) <= SHORT:
        return True
    found, before = 0, ""
    for match in _WORD.finditer(EMPTY_IT.sub("", question)):
        word, key = match[0], match[0].casefold()
        # "Is that ..." points back; "I heard that ..." opens a clause.
        opens_clause = key == "that" and before and before not in STOPWORDS
        before = key
        if key in _PRONOUNS and not opens_clause:
            return True
        if found and (opens_clause or key in _NEW_CLAUSE):
            return False
        if key not in _EMPTY:
            found += 1
            if found == 2 or _is_coined(word) or (match.start() > 0 and word[0].isupper()):
                return False
    return False


def _says_too_little(question: str) -> bool:
    """Whether the question is too short to search for and neither names nor defines its subject."""
    content = content_words(question)
    if len(content) > SHORT or (content and _DEFINES.match(question)):
        return False
    if not content or _ROLE.match(question) or _BARE.match(question):
        return True
    if _NAME.search(question) or any(map(_is_coined, content)):
        return False
    return len(content) == 1 or not _ASKS.match(question) or bool(_DEFINITE.search(question))


def content_words(text: str) -> list[str]:
    """The words that carry meaning, as written and in order, without endings like 's and n't."""
    words = (_ENDING.sub("", word) for word in _WORD.findall(text))
    return [word for word in words if word.casefold() not in _EMPTY]


def _is_coined(word: str) -> bool:
    """Whether a word is a name by its form, wherever it stands: OpenAI, NASA, v2, work_mem."""
    numbered = word[-1:].isdigit() and word[:1].isalpha()
    return numbered or any(map(str.isupper, word[1:])) or bool(IDENTIFIER.fullmatch(word))
