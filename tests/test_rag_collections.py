"""Collections: what is not among those asked for is not there, whichever way one asks."""

from __future__ import annotations

import gc
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.backup import backup, restore
from ingest.reindex import reindex
from ingest.sync import collect, remove, sync
from rag.errors import BadIndex, BadInput
from rag.find import find_all
from rag.index import LIBRARY, VIEWS, Index, create_index, open_index
from rag.settings import Settings
from rag.tables import Record
from rag.types import Chunk, Source

HIDDEN = "Who is on the list of Operation Marmalade?"
SECRET = "Zenobia Quillfeather"


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Documents for everybody, of the staff office and of the lawyers, that say alike things."""
    for name, text in {
        "open/fruit.txt": "The Bramley apple was first grown in Southwell in 1809.",
        "hr/marmalade.txt": f"{SECRET} of Leeds is on the list of Operation Marmalade.",
        "law/brief.txt": "Operation Marmalade\n\nThe lawyers work in Hull.",
    }.items():
        path = tmp_path / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
    return tmp_path / "docs"


@pytest.fixture
def shelves(index: Index, folders: Path) -> Index:
    sync(index, [folders])
    with index.library.writing():
        index.library.collect([str(folders / "hr")], "hr")
        index.library.collect([str(folders / "law")], "law")
    return index


def names(index: Index) -> set[str]:
    return {Path(uri).name for uri in index.library.files()}


def test_a_view_has_its_collections_and_what_is_in_none(shelves: Index) -> None:
    assert names(shelves.within(("hr",))) == {"fruit.txt", "marmalade.txt"}
    assert names(shelves.within(())) == names(shelves.within(("nothing",))) == {"fruit.txt"}
    assert shelves.within(None) is shelves
    assert shelves.within(("hr", "law")).library.collection_names() == ["hr", "law"]
    assert shelves.within(("law",)).library.collection_names() == ["law"]


def test_no_view_is_left_by_asking_for_more(shelves: Index) -> None:
    law = shelves.within(("law",))
    assert law.within(None) is law
    assert law.within(("law", "hr")) is law
    assert names(law.within(("hr",))) == {"fruit.txt"}
    for settings in (None, Settings(), Settings(collections=("hr",)), Settings(threshold=0.0)):
        answer = law.ask(HIDDEN, settings=settings)
        assert SECRET not in str(answer.to_dict())


def hidden_source(shelves: Index) -> str:
    return next(s.id for s in shelves.library.sources().values() if s.uri.endswith("marmalade.txt"))


def test_an_answer_stands_on_nothing_else(shelves: Index) -> None:
    said = shelves.ask(HIDDEN)
    assert SECRET in said.text
    assert SECRET in shelves.ask(HIDDEN, settings=Settings(collections=("hr",))).text
    for collections in (("law",), (), ("HR",)):
        settings = Settings(collections=collections, threshold=0.0, passages=50)
        answer = shelves.ask(HIDDEN, settings=settings)
        assert SECRET not in str(answer.to_dict())
        pieces = list(shelves.stream(HIDDEN, settings=settings))
        assert SECRET not in "".join(piece for piece in pieces if isinstance(piece, str))
    # The same through LangChain, and as the conversation goes on.
    row = {"question": HIDDEN, "settings": Settings(collections=())}
    assert SECRET not in str(shelves.chain.invoke(row))  # type: ignore[arg-type]
    follow = shelves.within(()).ask("Who else?", [*said_before(said.question, said.text)])
    assert all(passage.source.uri.endswith("fruit.txt") for passage in follow.passages)


def said_before(question: str, text: str) -> list[dict[str, str]]:
    return [{"role": "user", "text": question}, {"role": "assistant", "text": text}]


def test_nothing_of_the_library_shows_what_is_hidden(shelves: Index) -> None:
    identifier = hidden_source(shelves)
    chunk = shelves.library.chunks_of(identifier)[0]
    (number,) = shelves.library.numbers([chunk.id]).values()
    uri = shelves.library.sources()[identifier].uri
    view = shelves.within(("law",))
    library = view.library
    raising: list[Callable[[], object]] = [
        lambda: library.text(identifier),
        lambda: library.places(identifier),
        lambda: library.flags(identifier),
        lambda: library.fidelity(identifier),
        lambda: library.version(identifier),
    ]
    for attempt in raising:
        with pytest.raises(KeyError):
            attempt()
    empty: list[Callable[[], object]] = [
        lambda: library.sources([identifier]),
        lambda: library.stats([uri]),
        lambda: library.chunks([number]),
        lambda: library.numbers([chunk.id]),
        lambda: library.chunks_of(identifier),
        lambda: library.vectors([number]),
        lambda: library.lexical.search("Zenobia Quillfeather", 10),
        lambda: library.earlier_versions(uri),
        lambda: [r for r in library.lexical.score(SECRET, [number]).values() if r],
        lambda: find_all(view, f'"{SECRET}"').matches,
        lambda: [m for m in find_all(view, SECRET).matches if m.source_id == identifier],
        lambda: [p for p in view.search(SECRET, 50) if p.source.id == identifier],
        lambda: [d for d in view.retriever.invoke(SECRET) if SECRET in d.page_content],
    ]
    for attempt in empty:
        assert not attempt()
    assert library.standing(identifier) == "gone"
    counts = library.counts()
    assert (counts.sources, counts.files, counts.chunks) == (2, 2, 2)
    assert number not in library.embedded() and len(library.embedded()) == 2
    vector = view.encoder.encode_queries([HIDDEN])[0]
    assert number in shelves.nearest(vector, 10) and number not in view.nearest(vector, 10)


def test_scores_are_those_of_the_whole_index(shelves: Index) -> None:
    whole = {p.chunk.id: p.similarity for p in shelves.search("lawyers of Operation Marmalade")}
    view = shelves.within(("law",)).search("lawyers of Operation Marmalade")
    assert view[0].source.uri.endswith("brief.txt")
    for passage in view:
        assert passage.similarity == pytest.approx(whole[passage.chunk.id], abs=1e-5)


def test_a_view_cannot_be_written(shelves: Index, folders: Path, tmp_path: Path) -> None:
    view = shelves.within(("hr",))
    with pytest.raises(BadInput, match="only some collections"):
        sync(view, [folders])
    with pytest.raises(BadInput, match="only some collections"):
        backup(view, tmp_path / "stolen.zip")
    with pytest.raises(BadIndex), view.library.writing():
        view.library.remove(view.library.files())
    assert len(shelves.library.files()) == 3


def test_the_same_bytes_in_two_collections_have_one_place_each(
    shelves: Index, folders: Path
) -> None:
    copy = folders / "law" / "copy.txt"
    copy.write_bytes((folders / "hr" / "marmalade.txt").read_bytes())
    sync(shelves, [folders / "law"])
    view = shelves.within(("law",))
    source = view.library.version(hidden_source(shelves))
    assert (source.uri, source.also_at) == (str(copy), ())
    assert SECRET in view.ask(HIDDEN).text
    copy.unlink()
    sync(shelves, [folders / "law"])
    assert SECRET not in str(view.ask(HIDDEN, settings=Settings(threshold=0.0)).to_dict())
    assert SECRET in shelves.within(("hr",)).ask(HIDDEN).text


def test_what_comes_later_joins_the_collection_of_its_folder(shelves: Index, folders: Path) -> None:
    (folders / "hr" / "deep").mkdir()
    (folders / "hr" / "deep" / "later.txt").write_text("The quince is yellow.\n", encoding="utf-8")
    sync(shelves, [folders])
    places = shelves.library.collections()
    assert {Path(uri).name: name for uri, name in places.items()} == {
        "marmalade.txt": "hr",
        "later.txt": "hr",
        "brief.txt": "law",
    }
    # The nearest folder counts, and what was changed or read again stays.
    sync(shelves, [folders / "hr" / "deep"], collection="")
    (folders / "hr" / "marmalade.txt").write_text("Another list.\n", encoding="utf-8")
    (folders / "hr" / "deep" / "last.txt").write_text("The medlar is brown.\n", encoding="utf-8")
    sync(shelves, [folders])
    assert names(shelves.within(())) == {"fruit.txt", "later.txt", "last.txt"}
    # Earlier versions are as hidden as the file.
    assert shelves.library.earlier_versions(str(folders / "hr" / "marmalade.txt")) == 1
    view = shelves.within(())
    assert not view.library.earlier_versions(str(folders / "hr" / "marmalade.txt"))
    assert len(view.library.hashes()) == 3


def test_a_file_and_a_pattern_move_to_another_collection(shelves: Index, folders: Path) -> None:
    report = sync(shelves, [folders / "hr" / "marmalade.txt"], collection="law")
    assert report.count("unchanged") == len(report.files) == 1
    assert "marmalade.txt" in names(shelves.within(("law",)))
    sync(shelves, [f"{folders}/op*/*.txt"], collection="hr")
    assert names(shelves.within(())) == set()
    assert names(shelves.within(("hr",))) == {"fruit.txt"}


def test_only_whole_names_of_folders_count(index: Index, tmp_path: Path) -> None:
    for name in ("hr", "hr-public", "a_b", "aXb"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.txt").write_text(f"About {name}.\n", encoding="utf-8")
    for name in ("hr", "a_b"):
        sync(index, [tmp_path / name], collection="x")
    sync(index, [tmp_path / "hr-public", tmp_path / "aXb"])
    assert names(index.within(())) == {"hr-public.txt", "aXb.txt"}


def test_what_is_removed_is_remembered_in_no_collection(shelves: Index, folders: Path) -> None:
    remove(shelves, [folders / "hr"])
    assert shelves.library.collection_names() == ["law"]
    raw = sqlite3.connect(shelves.folder / LIBRARY)
    assert raw.execute("SELECT root FROM collected").fetchall() == [(str(folders / "law"),)]
    raw.close()


def test_reindex_and_backup_keep_collections(shelves: Index, tmp_path: Path, folders: Path) -> None:
    reindex(shelves)
    assert SECRET not in str(shelves.within(("law",)).ask(HIDDEN).to_dict())
    assert SECRET in shelves.within(("hr",)).ask(HIDDEN).text
    backup(shelves, tmp_path / "all.zip")
    with restore(tmp_path / "all.zip", tmp_path / "again") as again:
        assert again.library.collections() == shelves.library.collections()
        (folders / "hr" / "later.txt").write_text("The quince is yellow.\n", encoding="utf-8")
        sync(again, [folders])
        assert names(again.within(())) == {"fruit.txt"}


def test_an_index_is_opened_for_some_collections_only(shelves: Index) -> None:
    with open_index(shelves.folder, Settings(collections=("law",))) as opened:
        assert names(opened) == {"fruit.txt", "brief.txt"}
        assert SECRET not in str(opened.ask(HIDDEN, settings=Settings(threshold=0.0)).to_dict())


def test_a_view_follows_what_is_added(shelves: Index, folders: Path) -> None:
    def found(collection: str) -> str:
        return shelves.within((collection,)).search("What colour is the quince?")[0].chunk.text

    assert "yellow" not in found("hr")
    (folders / "hr" / "q.txt").write_text("The quince is yellow when ripe.\n", encoding="utf-8")
    sync(shelves, [folders])
    assert "yellow" in found("hr")
    assert "yellow" not in found("law")


def test_many_threads_each_see_their_own(shelves: Index) -> None:
    wrong: list[str] = []

    def ask(collection: str, own: str, other: str) -> None:
        for _ in range(5):
            settings = Settings(collections=(collection,), threshold=0.0)
            found = str(shelves.ask("Where is Operation Marmalade?", settings=settings).to_dict())
            if own not in found or other in found:
                wrong.append(collection)

    jobs = [("hr", "Leeds", "Hull"), ("law", "Hull", "Leeds")] * 2
    threads = [threading.Thread(target=ask, args=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


class Announced:
    """A library's lock, telling when another thread comes to wait for it, but not for ever."""

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._holder = threading.get_ident()
        self.wanted = threading.Event()

    def __enter__(self) -> None:
        if threading.get_ident() != self._holder:
            self.wanted.set()
        assert self._lock.acquire(timeout=10)

    def __exit__(self, *_: object) -> None:
        self._lock.release()


@pytest.mark.parametrize("is_made", [False, True])
def test_a_view_and_the_whole_never_wait_for_each_other(shelves: Index, is_made: bool) -> None:
    """Whoever reads the library goes on, while a view comes to search all vectors."""
    vector = shelves.encoder.encode_queries(["apple"])[0]
    exact = shelves.exact
    if not is_made:
        shelves._exact = None
    found = []

    def nearest() -> None:
        made = exact if is_made else shelves.exact
        found.append(made.nearest(shelves.library, vector, 3))

    announced = Announced(shelves.library._lock)
    shelves.library._lock = announced
    with shelves.library.reading():
        asking = threading.Thread(target=nearest)
        asking.start()
        assert announced.wanted.wait(30)
        nearest()
    asking.join()
    assert len(found) == 2


def test_files_are_closed_with_the_last_who_asks(shelves: Index) -> None:
    held = shelves.within(("law",))
    connections = []
    gc.disable()  # what is let go of is closed at once, not some time
    try:
        for n in range(3 * VIEWS):
            view = shelves.within((f"shelf {n}",))
            connections.append(view.library._db)
            view.search("apple")
            if n % VIEWS == 0:
                list(view.stream("Where was the Bramley apple first grown?"))
        del view
    finally:
        gc.enable()
    assert names(held) == {"fruit.txt", "brief.txt"}
    assert held.search("Operation Marmalade")
    for closed in connections[:-VIEWS]:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            closed.execute("SELECT 1")
    connections[-1].execute("SELECT 1")


def test_an_index_from_before_collections_is_brought_up_to_date(
    index: Index, folders: Path, tmp_path: Path
) -> None:
    sync(index, [folders])
    index.close()
    raw = sqlite3.connect(index.folder / LIBRARY, isolation_level=None)
    raw.execute("DROP TABLE collected")
    raw.execute("ALTER TABLE files DROP COLUMN collection")
    raw.execute("PRAGMA user_version = 2")
    raw.close()
    with open_index(index.folder) as opened:
        assert len(opened.library.files()) == 3
        sync(opened, [folders / "hr"], collection="hr")
        assert names(opened.within(())) == {"fruit.txt", "brief.txt"}
    with create_index(index.folder) as again:
        assert again.library.collection_names() == ["hr"]


@pytest.mark.parametrize("name", ["a,b", "a:b", " a", "a\n", "a\x85b", "a\u2028b", "x" * 65])
def test_a_name_that_nobody_could_write_is_refused(index: Index, folders: Path, name: str) -> None:
    with pytest.raises(BadInput, match="cannot be the name of a collection"):
        sync(index, [folders], collection=name)
    assert not index.library.files()


@pytest.mark.parametrize("passages", [1, 2, 50])
def test_so_many_passages_are_retrieved(sample: Index, passages: int) -> None:
    answer = sample.ask("Who owns OpenAI?", settings=Settings(passages=passages))
    assert 1 <= len(answer.passages) <= passages
    if passages < 10:
        assert len(answer.passages) == passages


@pytest.mark.parametrize("passages", [0, -1, 51])
def test_a_number_of_passages_out_of_range_is_refused(passages: int) -> None:
    with pytest.raises(BadInput, match="give 1 to 50"):
        Settings(passages=passages)


def ids(index: Index, *names: str) -> tuple[str, ...]:
    """The sources of these file names."""
    found = index.library.sources().values()
    return tuple(s.id for s in found if s.uri.endswith(names))


@pytest.mark.parametrize("passages", [1, 50])
def test_nothing_outside_the_chosen_sources_is_retrieved(shelves: Index, passages: int) -> None:
    for name in ("fruit.txt", "marmalade.txt", "brief.txt"):
        (only,) = chosen = ids(shelves, name)
        settings = Settings(sources=chosen, threshold=0.0, passages=passages)
        answer = shelves.ask("Who is on the list of Operation Marmalade?", settings=settings)
        assert {p.source.id for p in answer.passages} == {only}
        assert "only 1 chosen source was asked" in answer.notes
        assert (SECRET in str(answer.to_dict())) is (name == "marmalade.txt")
        pieces = list(shelves.stream(HIDDEN, settings=settings))
        assert (SECRET in "".join(p for p in pieces if isinstance(p, str))) is (
            name == "marmalade.txt"
        )
    assert not shelves.ask(HIDDEN, settings=Settings(sources=(), threshold=0.0)).passages
    with pytest.raises(BadInput, match="no source 'gone'"):
        shelves.ask(HIDDEN, settings=Settings(sources=(*chosen, "gone")))


def test_words_and_vectors_know_the_chosen_sources_only(shelves: Index) -> None:
    (secret,) = ids(shelves, "marmalade.txt")
    (number,) = shelves.library.numbers([shelves.library.chunks_of(secret)[0].id]).values()
    vector = shelves.encoder.encode_queries([HIDDEN])[0]
    view = shelves.within(None, ids(shelves, "fruit.txt", "brief.txt"))
    assert number in dict(shelves.library.lexical.search(SECRET, 10))
    assert not view.library.lexical.search(SECRET, 10)
    assert number in shelves.nearest(vector, 10)
    assert set(view.nearest(vector, 10)) == set(view.library.embedded())
    assert number not in view.library.embedded() and len(view.library.embedded()) == 2
    assert not view.library.chunks([number]) and not view.library.sources([secret])
    assert not find_all(view, f'"{SECRET}"').matches
    with pytest.raises(KeyError):
        view.library.text(secret)
    with pytest.raises(BadInput, match="only some collections"), view.lock():
        pass


def test_chosen_sources_never_reach_into_another_collection(shelves: Index) -> None:
    secret = ids(shelves, "marmalade.txt")
    law = shelves.within(("law",))
    assert not law.within(None, secret).library.files()
    assert not shelves.within((), secret).library.files()
    assert names(law.within(None, ids(shelves, "brief.txt")).within(("hr",))) == set()
    assert names(law.within(None, ids(shelves, ".txt")).within(None, secret)) == set()
    for collections in (None, ("hr",)):
        with pytest.raises(BadInput, match=r"is in the library \(any more\)"):
            law.ask(HIDDEN, settings=Settings(sources=secret, collections=collections))


def test_an_index_is_opened_for_some_sources_only(shelves: Index) -> None:
    brief = ids(shelves, "brief.txt")
    with open_index(shelves.folder, Settings(sources=brief)) as opened:
        assert names(opened) == {"brief.txt"}
        assert {p.source.id for p in opened.ask(HIDDEN).passages} == set(brief)
    with pytest.raises(BadInput, match=r"no source 'txt-0'.*`footnote library --json`"):
        open_index(shelves.folder, Settings(sources=(*brief, "txt-0")))


def test_some_places_move_to_another_collection_and_stay_there(
    shelves: Index, folders: Path
) -> None:
    moved = str(folders / "hr" / "marmalade.txt")
    collect(shelves, [moved], "law")
    assert "marmalade.txt" in names(shelves.within(("law",)))
    assert SECRET in shelves.within(("law",)).ask(HIDDEN).text
    collect(shelves, [moved], "a new one")
    (folders / "hr" / "marmalade.txt").write_text("Another list.\n", encoding="utf-8")
    sync(shelves, [folders])
    assert shelves.library.collections()[moved] == "a new one"
    collect(shelves, [moved], "")
    assert names(shelves.within(())) == {"fruit.txt", "marmalade.txt"}
    with pytest.raises(BadInput, match="cannot be the name"):
        collect(shelves, [moved], "a,b")


def test_thousands_of_sources_are_listed_at_once(index: Index) -> None:
    with index.library.writing():
        for n in range(5_000):
            text, key = f"Number {n}. " * 300, f"txt-{n:020}"
            source = Source(key, f"/docs/{n % 50}/É{n}.txt", f"Text {n:04}", key, "text/plain", 9)
            chunk = Chunk(f"c{n}", key, text[:800], 0, 800)
            index.library.put(source.uri, Record(source, text, [chunk]))
    for view in (index, index.within(())):
        seconds = []
        for words in ("", "TEXT 0049", "é4999", "nothing of that name"):
            start = time.thread_time()
            found, number = view.library.listed(words, 0, 50)
            seconds.append(time.thread_time() - start)
            assert number == {"": 5_000, "TEXT 0049": 1, "é4999": 1}.get(words, 0)
            assert [s.title for s in found] == sorted(s.title for s in found)
        # Measured: 0.02 s of the processor; other work on the machine does not count.
        assert max(seconds) < 0.2, seconds
    assert view.library.listed("", 4_990, 50)[0][-1].title == "Text 4999"
