"""``footnote verify`` and ``footnote find``: hold an answer against the index, search all of it."""

from __future__ import annotations

import textwrap
from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

from rag.errors import BadInput
from ui.options import index_option, json_option, verifier_option
from ui.printable import json_text, printable

if TYPE_CHECKING:
    from rag.found import Found, Match
    from rag.recheck import Check, SentenceCheck

SHOWN = 300  # characters of a quote


@click.command()
@click.argument("receipts", nargs=-1, required=True, metavar="RECEIPT...")
@verifier_option
@index_option
@json_option
def verify(receipts: tuple[str, ...], verifier: str, index_dir: str, as_json: bool) -> None:
    """Check saved answers again: are the quotes there, are sources and verdicts the same?

    RECEIPT is what `footnote ask --receipt` saved, or a conversation saved as JSON in the chat.
    Works offline and asks nothing anew. The exit code is 1 when a receipt is broken: it was
    changed, a quote is not there any more, or a verdict is worse. A newer version of a document
    does not break a receipt, since what was quoted can still be shown; that is reported as changed.
    """
    from rag.index import open_index
    from rag.receipt import read_receipts
    from rag.recheck import check_receipt
    from rag.settings import Settings

    rows: list[dict[str, Any]] = []
    with open_index(index_dir, Settings(verifier=verifier)) as index:
        for path in receipts:
            try:
                found = read_receipts(path)
            except BadInput as error:
                rows.append({"receipt": path, "result": "broken", "error": str(error)})
                if not as_json:
                    click.echo(f"broken: {printable(str(error))}")
                continue
            for receipt in found:
                check = check_receipt(index, receipt)
                rows.append({"receipt": path, **check.to_dict()})
                if not as_json:
                    click.echo(f"{check.result}: {printable(path)}, made {printable(receipt.made)}")
                    click.echo(
                        "\n".join((f"    {printable(receipt.question)}", *_check_lines(check)))
                    )
    results = [row["result"] for row in rows]
    if as_json:
        click.echo(json_text(rows))
    else:
        states = ("ok", "changed", "broken")
        tally = ", ".join(f"{n} {state}" for state in states if (n := results.count(state)))
        click.echo(f"{_count(len(rows), 'receipt')}: {tally}")
    if "broken" in results:
        raise SystemExit(1)


@click.command()
@click.argument("query")
@index_option
@json_option
@click.option(
    "--limit", type=click.IntRange(1), metavar="N", help="Print the first N matches only."
)
def find(query: str, index_dir: str, as_json: bool, limit: int | None) -> None:
    """Find every passage that matches, in all of the index.

    Words match in any form, in one sentence or one passage; passages also match by their meaning.
    With quotation marks inside QUERY, as in '"right of first refusal"', only that phrase counts.
    """
    from rag.find import find_all
    from rag.index import open_index
    from ui.progress import counted

    with open_index(index_dir) as index, counted("passages") as step:
        found = find_all(index, query, step)
    if as_json:
        row = {"found": len(found.matches), **found.to_dict()}
        row["matches"] = row["matches"][:limit]
        click.echo(json_text(row))
    else:
        click.echo("\n".join(_found_lines(found, limit)))


def _check_lines(check: Check) -> list[str]:
    lines = [
        f"    {row.result}: [{row.number}] {printable(row.uri)}: {printable(row.detail)}"
        for row in check.citations
    ]
    lines += [_sentence_line(row) for row in check.sentences if row.result != "ok"]
    return lines + [f"    note: {printable(note)}" for note in check.notes]


def _sentence_line(row: SentenceCheck) -> str:
    verdict = row.now if row.now == row.recorded else f"{row.recorded} then, {row.now} now"
    why = f" ({'; '.join(row.reasons)})" if row.reasons else ""
    return f"    {row.result}: {_short(row.text)}: {verdict}{printable(why)}"


def _found_lines(found: Found, limit: int | None) -> list[str]:
    lines = []
    for source_id, matches in groupby(found.matches[:limit], key=lambda match: match.source_id):
        source = found.sources[source_id]
        lines.append(f"{printable(source.title)} ({printable(source.uri)})")
        for match in matches:
            lines += [f"    {_place(match)} [{_why(match)}]", f"        {_short(match.quote)}"]
    if limit is not None and len(found.matches) > limit:
        lines.append(f"... and {len(found.matches) - limit:,} more")
    sought = (
        " or ".join(f'"{phrase}"' for phrase in found.phrases)
        or f"the words {', '.join(found.words)}, and for what is near in meaning"
    )
    lines += [
        f"looked for {printable(sought)}",
        f"{_count(len(found.matches), 'match', 'es')} in {_count(len(found.sources), 'source')}; "
        f"all {_count(found.checked, 'passage')} of {_count(found.checked_sources, 'source')} "
        "were checked",
        *(f"note: {printable(note)}" for note in found.notes),
    ]
    return lines


def _place(match: Match) -> str:
    page = f"page {match.page}, " if match.page else ""
    headings = f"{printable(' > '.join(match.headings))}, " if match.headings else ""
    return f"{page}{headings}characters {match.start}-{match.end}"


def _why(match: Match) -> str:
    ways = []
    for way in match.why:
        if way == "meaning":
            ways.append(f"meaning {match.similarity:.2f}")
        elif way == "words" and match.scope == "passage":
            ways.append("words, in the whole passage")
        elif match.missing:
            ways.append(f"{way}, without {printable(', '.join(match.missing))}")
        else:
            ways.append(way)
    return "; ".join(ways)


def _short(text: str) -> str:
    return textwrap.shorten(printable(text), SHOWN, placeholder=" ...")


def _count(n: int, noun: str, plural: str = "s") -> str:
    return f"{n:,} {noun}{plural * (n != 1)}"


COMMANDS = (verify, find)
