"""The tables of README.md and docs/measurements.md, made from the runs in ``eval/results``.

    python -m eval.publish

``make results`` measures everything again first.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from eval import publish_answers, publish_parts
from eval.metrics import shown
from eval.published import ROOT, SETS, answering, read, table

BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
PAPERS = {
    "office": "eight of an office (`eval/office`)",
    "town": "nine of a clinic, a school and a housing association (`eval/town`)",
}


def files() -> dict[Path, str]:
    """Each file that shows results, and its whole content as it should be."""
    readme, measurements = ROOT / "README.md", ROOT / "docs" / "measurements.md"
    return {
        readme: _inserted(readme, (_sets(), _cases(), _papers(), _speed())),
        measurements: _inserted(measurements, (*publish_answers.tables(), *publish_parts.tables())),
        ROOT / "docs" / "images" / "verifier-reliability.svg": publish_answers.reliability_plot(),
    }


def main() -> None:
    """Write the files anew."""
    for path, content in files().items():
        path.write_text(content, encoding="utf-8")


def _inserted(path: Path, tables: Iterable[str]) -> str:
    """A page with these tables. Raises ``ValueError`` if it has lost its marks."""
    head, rest = path.read_text(encoding="utf-8").split(BEGIN)
    _, tail = rest.split(END)
    shown = "\n\n".join(tables)
    return f"{head}{BEGIN}\n{shown}\n{END}{tail}"


def _sets() -> str:
    head = (
        "Public data (`footnote eval benchmark DIR`) | questions | nDCG@10 | recall@10 "
        "| first quote holds the answer | any quote does | declining, AUROC"
    )
    rows = []
    for name in SETS:
        run = read(name)
        found = (run["retrieval"]["ndcg@10"], run["retrieval"]["recall@10"], *answering(run))
        rows.append(f"{name} | {run['n']['queries']:,} | {' | '.join(map(shown, found))}")
    return table(head, rows)


def _cases() -> str:
    head = "Sample library (`footnote eval run`) | cases | right | right and cited | declined"
    rows = []
    for total in read("sample")["totals"]:
        rows.append(
            f"{total['kind'].replace('_', ' ')} | {total['n']} | {total['right']} "
            f"| {total['right_and_cited']} | {total['declined']}"
        )
    return table(head, rows)


def _papers() -> str:
    head = (
        "Other people's papers, asked by their writer | with an answer | right | right and cited "
        "| declined | without one | declined"
    )
    rows = []
    for name, title in PAPERS.items():
        totals = {total["kind"]: total for total in read(name)["totals"]}
        without, both = totals["unanswerable_near"], totals["all"]
        with_one = (
            both[key] - without[key] for key in ("n", "right", "right_and_cited", "declined")
        )
        cells = [title, *with_one, without["n"], without["declined"]]
        rows.append(" | ".join(map(str, cells)))
    return table(head, rows)


def _speed() -> str:
    ingest, latency = read("ingest_speed"), read("latency")
    warm = latency["warm_ask_ms"]
    head = f"Speed ({latency['machine']}, {latency['date']}) | | measured by"
    rows = (
        "ingest, characters per second against the textbook pipeline "
        f"| {ingest['ratio']:.2f} times | `python -m eval.bench.ingest_speed`",
        f"warm question over {latency['documents']:,} paragraphs, p50 / p95 "
        f"| {warm['p50']:.0f} / {warm['p95']:.0f} ms | `python -m eval.bench.latency`",
        f"first question of a new process | {latency['cold_ask_s']:.1f} s | the same",
        f"`footnote --help` | {latency['help_s']:.2f} s | the same",
    )
    return table(head, rows)


if __name__ == "__main__":
    main()
