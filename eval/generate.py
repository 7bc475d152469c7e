"""Cases made from the user's own documents, for a person to look through and correct.

No model makes them: a sentence is asked for a name, a number or a date in it. Such questions repeat
the documents' words and are easier than people's; the file is plain JSON Lines, to be edited.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path, PurePath

from eval.cases import Case, Evidence, find_quote
from eval.made import MONTHS, YEAR, Made, own_questions
from eval.metrics import contains_answer, normalize_answer
from eval.rows import write_rows
from rag.errors import BadIndex, BadInput
from rag.index import Index
from rag.lexical import analyze
from rag.spans import overlap

N = 100
UNANSWERABLE = 0.25  # share of the cases
NEAREST = 10  # passages that must not have the answer either
CANDIDATES = 8  # sentences looked at for a case
NOTE = "made from the document; look it through"

# A sentence that stands by itself: a capital, a full stop, and no word that points to another one.
_WHOLE = re.compile(
    r"(?!(?:It|Its|This|That|These|Those|They|Their|He|His|She|Her|We|Our|I|My|You|Your|Each|Both|"
    r"Such|There|Here|But|And|Or|So|Also|However|Then|Thus|Another|Other|Others|One)\b)"
    r"[A-Z](?:[^?!:.]|\.(?! [A-Z]))+\."
)
_PREPOSITION = re.compile(
    r"\b(about|after|at|before|between|by|during|for|from|in|of|on|since|than|to|until|with) $",
    re.I,
)
# The answer is part of a longer name, number or date, and asking for it alone reads as nonsense.
_PART = re.compile(r"(?:[-\w]*[A-Z][-\w]*|\d+|[-–/$€£]) ?$")
_MORE = re.compile(r" [A-Z]|[-–/\w]|,\d|'s")
_LISTED = re.compile(r", [^,]+ and $")


def generate(index: Index, n: int = N) -> list[Case]:
    """At most ``n`` cases, a quarter of them without an answer.

    Those are questions of the same kind that are asked ``without`` the sentence that answers them,
    of which no other passage nearby holds the answer. Raises ``BadIndex`` when the documents have
    no sentence to ask about.
    """
    paths = _short_paths(index.library.files())
    drafts = [
        replace(made, question=question)
        for made in map(_trimmed, own_questions(index.library, CANDIDATES * n, "cases"))
        if _fits(index, made) and (question := ask_in_place(made.quote, made.answer))
    ]
    if not drafts:
        raise BadIndex(
            f"the documents in {str(index.folder)!r} have no sentence with a name, a number or a "
            "date to ask for: ingest others, or write cases by hand"
        )
    few = round(n * UNANSWERABLE)
    absent = list(islice((m for m in drafts if _only_there(index, m)), few))
    present = [m for m in drafts if m not in absent][: n - len(absent)]
    return [
        *(
            _case(f"made-{i:03}", made, paths[made.cluster], answerable=True)
            for i, made in enumerate(present, 1)
        ),
        *(
            _case(f"absent-{i:03}", made, paths[made.cluster], answerable=False)
            for i, made in enumerate(absent, 1)
        ),
    ]


def ask_in_place(sentence: str, answer: str) -> str | None:
    """The sentence with its answer asked for where it stands; None for one that leans on others.

    A row of a table is asked for the column: "What is the Price of Ale?".
    """
    if ";" in sentence:
        return _ask_row(sentence, answer)
    if not _WHOLE.fullmatch(sentence) or sentence.count(answer) != 1:
        return None
    before, after = sentence.split(answer)
    stem, word = before, _PREPOSITION.search(before)
    if _PART.search(before) or _MORE.match(after) or answer in MONTHS:
        return None
    if YEAR.search(answer):
        asked = "which year" if word and word[1] == "of" else "when"
        if word and word[1].lower() in ("in", "on"):
            stem = before[: word.start(1)]
    elif answer.endswith(("%", "percent")):
        asked = "what percentage"
    elif answer[0] in "$€£" or answer.endswith(("dollars", "euros")):
        asked = "how much"
    elif answer[0].isdigit():
        asked = "how many"
    elif word:
        asked = "whom or what"
    elif not before or before.endswith(", ") or _LISTED.search(before):
        asked = "who or what"
    else:
        return None
    question = f"{stem}{asked}{after}".strip().rstrip(".").strip()
    return f"{question[0].upper()}{question[1:]}?"


def _ask_row(row: str, answer: str) -> str | None:
    """The question for a cell of a table's row, ``Name: Ale; Price: 3``, by the first cell."""
    cells = [cell.partition(": ") for cell in row.split("; ")]
    columns = [label for label, colon, value in cells[1:] if colon and value == answer]
    first = cells[0][2] or cells[0][0]
    return f"What is the {columns[0].replace('_', ' ')} of {first}?" if len(columns) == 1 else None


def write_cases(path: str | Path, cases: Iterable[Case]) -> None:
    """Write cases as ``load_cases`` reads them, one a line, without empty optional fields.

    Raises ``BadInput`` for a file that cannot be written, and for one that is there already: it
    may have been corrected by hand.
    """
    if Path(path).exists():
        raise BadInput(f"{str(path)!r} is there already: give another file, or remove it first")
    optional = ("history", "note", "without")
    write_rows(
        path,
        (
            {name: value for name, value in asdict(case).items() if value or name not in optional}
            for case in cases
        ),
    )


def _trimmed(made: Made) -> Made:
    """With the answer as it would be said, without the comma behind it."""
    return replace(made, answer=made.answer.rstrip(".,"))


def _case(identifier: str, made: Made, path: str, *, answerable: bool) -> Case:
    """The case of a question, asked with the sentence that answers it or without."""
    sentence = (Evidence(path, made.quote),)
    return Case(
        id=identifier,
        kind="single_fact" if answerable else "unanswerable_near",
        question=made.question,
        history=(),
        answerable=answerable,
        reference=made.quote if answerable else "",
        answers=(made.answer,) if answerable else (),
        evidence=sentence if answerable else (),
        note=NOTE,
        without=() if answerable else sentence,
    )


def _fits(index: Index, made: Made) -> bool:
    """Whether the sentence stands once in its document, and its answer is not on everyone's lips.

    A number stands for itself; a name must not be in more than a tenth of the passages.
    """
    library = index.library
    common = library.idf_of(max(1, library.counts().chunks // 10))
    rare = made.answer[-1].isdigit() or any(library.idf(t) >= common for t in analyze(made.answer))
    once = len(find_quote(library.text(made.cluster), made.quote)) == 1
    return rare and once and bool(normalize_answer(made.answer))


def _only_there(index: Index, made: Made) -> bool:
    """Whether no passage near the question holds the answer but those of its own sentence."""
    places = find_quote(index.library.text(made.cluster), made.quote)
    return not any(
        contains_answer(passage.chunk.text, [made.answer])
        for passage in index.search(made.question, NEAREST)
        if passage.source.id != made.cluster
        or not any(overlap(passage.chunk, place) for place in places)
    )


def _short_paths(files: dict[str, str]) -> dict[str, str]:
    """For each source the shortest path from the end that names no other file."""
    parts = {uri: PurePath(uri).parts for uri in files}
    paths: dict[str, str] = {}
    for uri, source_id in sorted(files.items()):
        ends = [parts[uri][-length:] for length in range(1, len(parts[uri]) + 1)]
        end = next((end for end in ends if _alone(end, parts.values())), ends[-1])
        paths.setdefault(source_id, "/".join(end).replace("//", "/"))
    return paths


def _alone(end: Sequence[str], all_parts: Iterable[Sequence[str]]) -> bool:
    return sum(tuple(parts[-len(end) :]) == tuple(end) for parts in all_parts) == 1
