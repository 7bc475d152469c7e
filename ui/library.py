"""What an index holds, as the command line prints it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import islice, takewhile
from pathlib import Path
from typing import Any

from ingest.watched import line, watched
from rag.errors import BadInput
from rag.index import Index
from rag.spans import overlap
from rag.standing import changed_files
from rag.types import Place, Source, Span
from ui.printable import json_text, visible
from ui.progress import read_line, warning_lines


def list_sources(index: Index, as_json: bool) -> str:
    """Every source with its state, size and chunks, and how well it was read."""
    library = index.library
    with library.reading():
        sources = sorted(library.sources().values(), key=lambda source: source.uri)
        chunks = library.chunk_counts()
        counts = library.counts()
        uris = [uri for source in sources for uri in (source.uri, *source.also_at)]
        changed = set(changed_files(library, uris))
        held = library.collections()
        if as_json:
            rows = [_source_row(index, source, changed, held, chunks) for source in sources]
            return json_text(rows)
        text = [_source_lines(index, source, changed, held, chunks) for source in sources]
    owed = f", {counts.owed:,} of them not embedded yet" if counts.owed else ""
    total = f"{counts.sources:,} sources, {counts.chunks:,} passages{owed}"
    return "\n".join([*text, total, *(visible(line(told)) for told in watched(index.folder))])


def _source_row(
    index: Index, source: Source, changed: set[str], held: dict[str, str], chunks: dict[str, int]
) -> dict[str, Any]:
    library = index.library
    return {
        **asdict(source),
        "state": "changed on disk" if changed & _places(source) else "current",
        "collections": sorted({held[uri] for uri in _places(source) & set(held)}),
        "version": source.sha256[:12],
        "chunks": chunks.get(source.id, 0),
        "earlier_versions": library.earlier_versions(source.uri),
        "flagged": len(library.flags(source.id)),
        **asdict(library.fidelity(source.id)),
    }


def _source_lines(
    index: Index, source: Source, changed: set[str], held: dict[str, str], chunks: dict[str, int]
) -> str:
    library = index.library
    fidelity = library.fidelity(source.id)
    read = read_line(source.pages, source.characters, fidelity, len(library.flags(source.id)))
    earlier = library.earlier_versions(source.uri)
    kept = f", {earlier} earlier kept" if earlier else ""
    lines = [
        source.uri + _note(source.uri, changed, held),
        f"    {source.title}",
        f"    version {source.sha256[:12]}{kept}; {chunks.get(source.id, 0):,} passages; {read}",
        *(f"    also at {place}{_note(place, changed, held)}" for place in source.also_at),
    ]
    return "\n".join(map(visible, lines)) + warning_lines(fidelity)


def _note(uri: str, changed: set[str], held: dict[str, str]) -> str:
    collection = f" (collection {held[uri]})" if uri in held else ""
    return collection + " (changed on disk since)" * (uri in changed)


def _places(source: Source) -> set[str]:
    return {source.uri, *source.also_at}


def show_source(index: Index, name: str, as_json: bool) -> str:
    """The parsed text of one source, line by line, with where each line stands in the original.

    Raises ``BadInput`` when no source, or more than one, is meant by ``name``.
    """
    source = find_source(index, name)
    library = index.library
    text, places, flags = (
        library.text(source.id),
        library.places(source.id),
        library.flags(source.id),
    )
    if as_json:
        return json.dumps(
            {
                **asdict(source),
                "text": text,
                "places": [asdict(place) for place in places],
                "flags": [asdict(flag) for flag in flags],
                **asdict(library.fidelity(source.id)),
            },
            ensure_ascii=False,
            indent=1,
        )
    out: list[str] = []
    start = first = 0
    for piece in text.split("\n"):
        line = Span(start, start + len(piece))
        while first < len(places) and places[first].end <= start:
            first += 1
        at = list(_from(places, first, line.end))
        marks = [f"!{f.kind}: {f.reason}" for f in flags if overlap(f, line)]
        marked = "".join(f"   [{mark}]" for mark in marks)
        out.append(visible(f"{_where(at):<18}| {piece}{marked}"))
        start = line.end + 1
    return "\n".join(out)


def place_of(places: Sequence[Place], start: int, end: int) -> str:
    """Where in the original ``text[start:end]`` of a source stands: cells, line or page, or ""."""
    stretch = Span(start, end)
    return _where([place for place in places if overlap(place, stretch)])


def _from(places: Sequence[Place], first: int, end: int) -> Iterator[Place]:
    """The places from one on that begin before ``end``."""
    return takewhile(lambda place: place.start < end, islice(places, first, None))


def _where(places: list[Place]) -> str:
    if not places:
        return ""
    first, last = places[0], places[-1]
    if first.cell:
        return first.cell if first is last else f"{first.cell}:{last.cell.split('!')[-1]}"
    if first.line is not None:
        return f"line {first.line}"
    return f"page {first.page}" if first.page is not None else ""


def find_source(index: Index, name: str) -> Source:
    """The source at a place or the end of one, or with ``name`` in its title or file name.

    Raises ``BadInput`` for none, or several.
    """
    sources = index.library.sources().values()
    places = {uri: source for source in sources for uri in (source.uri, *source.also_at)}
    given = str(Path(name).expanduser().absolute())
    if given in places or name in places:
        return places[given] if given in places else places[name]
    part = name.casefold()
    titles = {uri: source.title.casefold() for uri, source in places.items()}
    found = (
        [uri for uri in places if uri.endswith(f"/{name}")]
        or [uri for uri, title in titles.items() if title == part]
        or [
            uri
            for uri, title in titles.items()
            if part and (part in title or part in Path(uri).name.casefold())
        ]
    )
    if not found:
        raise BadInput(f"no source {name!r} in the index: `footnote library` lists them")
    if len({places[uri].id for uri in found}) > 1:
        raise BadInput(f"{name!r} may be {', '.join(sorted(found)[:5])}: give more of its path")
    return places[found[0]]
