"""Options and parameters are answered with their names, and not with those of others."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from ingest.sync import add_texts, sync
from rag.index import Index, create_index
from rag.terms import definition_asked, is_named
from rag.types import Answer

FILLER = "If this value is specified without units, it is taken as kilobytes. " * 3
MANUAL = f"""<html><head><title>Server settings</title></head><body><h1>Server settings</h1>
<h2>Memory</h2><dl>
<dt>sort_buffer (integer)</dt><dd><p>Sets the most memory that a query takes for sorting before it
writes to disk. {FILLER}The default value is four megabytes.</p><p>A query may sort several times.
</p></dd>
<dt>hash_factor (floating point)</dt><dd><p>Used to compute the most memory that hashing takes.
{FILLER}The default value is 2.0, which is twice the usual sort_buffer.</p></dd>
<dt>vacuum_buffer (integer)</dt><dd><p>Sets the most memory for the vacuum cleaner. {FILLER}It
defaults to 64 megabytes.</p></dd></dl>
<p>Only an administrator can change them.</p>
<h2>Shutdown</h2><p>The server has three shutdown modes:</p><dl>
<dt>smart</dt><dd>Waits for all clients.</dd><dt>fast</dt><dd>Disconnects the clients.</dd>
<dt>immediate</dt><dd>Aborts without a clean shutdown.</dd></dl>
<h2>Options</h2><p>These are understood.</p><dl>
<dt>-n</dt><dt>--dry-run</dt><dd>Removes nothing, but says what would be removed.</dd>
<dt>-r <i>id</i></dt><dd><p>This option requests the server to remove the given message from the
queue. No bounce is sent. {FILLER * 2}</p></dd></dl></body></html>"""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    folder = tmp_path_factory.mktemp("terms")
    (folder / "settings.html").write_text(MANUAL, encoding="utf-8")
    with create_index(folder / "index") as made:
        assert not sync(made, [folder]).count("failed")
        yield made


def said(answer: Answer, index: Index) -> list[str]:
    """What an answer quotes, each quotation compared with its source."""
    for citation in answer.citations:
        text = index.library.text(citation.source_id)
        assert text[citation.start : citation.end] == citation.quote
    return [sentence.text for sentence in answer.sentences]


def test_of_a_term_that_is_named_only_its_own_definition_is_quoted(index: Index) -> None:
    answer = index.ask("What is the default value of sort_buffer?")
    assert said(answer, index) == ["The default value is four megabytes."]
    assert answer.citations[0].headings[-1] == "sort_buffer (integer)"


def test_a_later_sentence_of_a_definition_comes_with_its_term(index: Index) -> None:
    answer = index.ask("How much memory does the vacuum cleaner get by default?")
    quoted = said(answer, index)
    assert quoted[:2] == ["vacuum_buffer (integer):", "It defaults to 64 megabytes."] or (
        quoted[0].startswith("vacuum_buffer (integer): Sets")
    )


def test_the_first_sentence_of_a_definition_begins_with_its_term(index: Index) -> None:
    quoted = said(index.ask("How do I remove a message from the queue?"), index)
    assert quoted[0] == (
        "-r id: This option requests the server to remove the given message from the queue."
    )


def test_a_short_definition_is_quoted_whole(index: Index) -> None:
    quoted = said(index.ask("Which option removes nothing?"), index)
    assert quoted[0] == "-n, --dry-run: Removes nothing, but says what would be removed."


def test_definitions_that_are_announced_are_a_list(index: Index) -> None:
    quoted = said(index.ask("What are the shutdown modes of the server?"), index)
    assert quoted == [
        "The server has three shutdown modes:",
        "smart: Waits for all clients.",
        "fast: Disconnects the clients.",
        "immediate: Aborts without a clean shutdown.",
    ]


@pytest.mark.parametrize(
    ("term", "question", "named"),
    [
        ("work_mem (integer)", "What is the default of work_mem?", True),
        ("work_mem (integer)", "What is the default of maintenance_work_mem?", False),
        ("-n, --dry-run", "What does git clean -n do?", True),
        ("--exclude=<pattern>", "What is --exclude for?", True),
        ("gc.auto", "What is gc.autoDetach?", False),
        ("gc.auto", "What is gc.auto.", True),
        ("gc", "What is gc.auto?", False),
        ("detached HEAD", "What is a detached head?", True),
        ("on", "What is it based on?", False),
        ("", "What is it?", False),
    ],
)
def test_a_term_is_named_by_one_of_its_names(term: str, question: str, named: bool) -> None:
    assert is_named(term, question) is named


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("What is a Larger Work?", '1.7. "Larger Work" means a work that joins others.'),
        ("what is a larger work under the licence?", "“Larger Work” shall mean a work."),
        ("What are Secondary Licenses?", '"Secondary License" refers to either of them.'),
        ("What does latency mean?", "Latency: the delay before a reply."),
        ("What is the rent?", "The Rent (yearly) means 9,000 pounds."),
        ("What does reply code 354 mean?", "354 Begin the tender."),
        ("what does 421 mean", "421 <quay> Closed for tenders."),
    ],
)
def test_a_definition_is_known_by_how_it_begins(question: str, text: str) -> None:
    defines = definition_asked(question)
    assert defines is not None and defines.match(text)
    assert not defines.match(f"It is known what {text}")
    assert not defines.match('"Other Work" means something else.')


@pytest.mark.parametrize(
    "question",
    [
        "Who pays the rent?",
        "When does it end?",
        "What is a b c d e f g h?",
        "What?",
    ],
)
def test_what_asks_for_no_definition(question: str) -> None:
    assert definition_asked(question) is None


def test_a_long_question_is_no_search_without_end() -> None:
    start = time.perf_counter()
    for length in (180, 9_900):
        assert definition_asked(f"what is a in a{' ' * length}1") is None or length < 200
    assert time.perf_counter() - start < 1


def test_what_is_new_in_a_version_is_no_term() -> None:
    defines = definition_asked("What is new in version 2.9?")
    assert defines is None or not defines.match("New: a shuttle.")


QUAY = """"Cargo" means whatever a boat takes aboard that is not crew.

A bonded cargo is cargo that a bonded house has sealed, and a bonded cargo is what a bonded house
answers for.

If the bonded cargo is a cargo of salt, a bonded cargo is weighed twice, and what is a bonded cargo
on one quay is one on all quays.

7.4. "Bonded cargo" means goods on which no duty has been paid.
"""


@pytest.mark.parametrize("question", ["What is a bonded cargo?", "Define bonded cargo"])
def test_a_definition_goes_before_what_speaks_of_its_term(index: Index, question: str) -> None:
    with create_index(index.folder.parent / question) as quay:
        add_texts(quay, [("quay", "Rules of the quay", QUAY)])
        answer = quay.ask(question)
    assert "no duty" in max(answer.sentences, key=lambda s: s.score).text
