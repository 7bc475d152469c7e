"""The tables of README.md and docs/measurements.md, made from the runs in ``eval/results``.

    python -m eval.publish

``make results`` measures everything again first.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from eval.anchors import NAMES as ANCHORS
from eval.charts import alone, curves
from eval.figures import MEASURES
from eval.rankings import NAMES as RANKINGS
from eval.refusal_figures import CURVES

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
PAPERS = {
    "office": "eight of an office (`eval/office`)",
    "town": "nine of a clinic, a school and a housing association (`eval/town`)",
}
SETS = ("squad2_half", "scifact", "hotpotqa_100", "multihop_facts", "mtragun_pool")


def files() -> dict[Path, str]:
    """Each file that shows results, and its whole content as it should be."""
    readme, measurements = ROOT / "README.md", ROOT / "docs" / "measurements.md"
    tables = (
        _figures(),
        _causes(),
        _rankings(),
        _declining(),
        _selection(),
        _small_model(),
        _grounding(),
        _lexical(),
        _chunking(),
        _injection(),
        _scale(),
        _chat(),
        _readers(),
        _ocr(),
        _chunkers(),
        _alike(),
        _engines(),
        _local_model(),
    )
    return {
        readme: _inserted(readme, (_sets(), _cases(), _papers(), _speed())),
        measurements: _inserted(measurements, filter(None, tables)),
        ROOT / "docs" / "images" / "verifier-reliability.svg": _reliability_plot(),
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
    lines = [
        "| Public data (`footnote eval benchmark DIR`) | questions | nDCG@10 | recall@10 "
        "| first quote holds the answer | any quote does | declining, AUROC |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in SETS:
        run = _read(name)
        cells = " | ".join(
            map(
                _shown,
                (run["retrieval"]["ndcg@10"], run["retrieval"]["recall@10"], *_answering(run)),
            )
        )
        lines.append(f"| {name} | {run['n']['queries']:,} | {cells} |")
    return "\n".join(lines)


def _answering(run: dict[str, Any]) -> list[float | None]:
    answer = run["answer"]
    return [answer["sentence_hit@1"], answer["answer_hit"], run["refusal"]["auroc"]]


def _cases() -> str:
    lines = [
        "| Sample library (`footnote eval run`) | cases | right | right and cited | declined |",
        "|---|---|---|---|---|",
    ]
    for total in _read("sample")["totals"]:
        lines.append(
            f"| {total['kind'].replace('_', ' ')} | {total['n']} | {total['right']} "
            f"| {total['right_and_cited']} | {total['declined']} |"
        )
    return "\n".join(lines)


def _papers() -> str:
    lines = [
        "| Other people's papers, asked by their writer | with an answer | right | right and cited "
        "| declined | without one | declined |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, title in PAPERS.items():
        totals = {total["kind"]: total for total in _read(name)["totals"]}
        without, both = totals["unanswerable_near"], totals["all"]
        with_one = (
            both[key] - without[key] for key in ("n", "right", "right_and_cited", "declined")
        )
        cells = [title, *with_one, without["n"], without["declined"]]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def _speed() -> str:
    ingest, latency = _read("ingest_speed"), _read("latency")
    warm = latency["warm_ask_ms"]
    rows = [
        (
            "ingest, characters per second against the textbook pipeline",
            f"{ingest['ratio']:.2f} times",
            "python -m eval.bench.ingest_speed",
        ),
        (
            f"warm question over {latency['documents']:,} paragraphs, p50 / p95",
            f"{warm['p50']:.0f} / {warm['p95']:.0f} ms",
            "python -m eval.bench.latency",
        ),
        ("first question of a new process", f"{latency['cold_ask_s']:.1f} s", "the same"),
        ("`footnote --help`", f"{latency['help_s']:.2f} s", "the same"),
    ]
    lines = [
        f"| Speed ({latency['machine']}, {latency['date']}) | | measured by |",
        "|---|---|---|",
    ]
    lines += [
        f"| {what} | {figure} | {f'`{by}`' if ' -m ' in by else by} |" for what, figure, by in rows
    ]
    return "\n".join(lines)


def _figures() -> str:
    lines = [
        "| sample library, with 95% intervals (`footnote eval run`) | value | BM25, best sentence "
        "| word overlap |",
        "|---|---|---|---|",
    ]
    titles = {measure.name: measure.title for measure in (*MEASURES, *CURVES)}
    for row in _read("sample")["figures"]:
        value = _shown(row["value"])
        if row["low"] is not None:
            value += f" ({_shown(row['low'])} to {_shown(row['high'])})"
        anchors = " | ".join(_shown(row["anchors"].get(name)) for name in ANCHORS)
        lines.append(f"| {titles[row['name']]} | {value} | {anchors} |")
    return "\n".join(lines)


def _causes() -> str:
    causes = _read("sample")["causes"]
    lines = ["| sample library, one cause a question | questions |", "|---|---|"]
    lines += [f"| {cause} | {n} |" for cause, n in causes.items() if n]
    return "\n".join([*lines, f"| all | {sum(causes.values())} |"])


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _rankings() -> str:
    lines = [
        "| nDCG@10 of documents (`footnote eval benchmark`) | as shipped | BM25 alone "
        "| vectors alone | reciprocal ranks |",
        "|---|---|---|---|---|",
    ]
    measured = {name: run for name in SETS if "baselines" in (run := _read(name))}
    for name, run in measured.items():
        rows = [run["retrieval"], *(run["baselines"][other] for other in RANKINGS)]
        lines.append(f"| {name} | {' | '.join(_shown(row['ndcg@10']) for row in rows)} |")
    return "\n".join(lines) if measured else ""


def _small_model() -> str:
    """What the small model adds: the same questions with it and without."""
    lines = [
        "| with the small model / without (`footnote eval benchmark`) "
        "| first quote holds the answer | any quote does | declining, AUROC |",
        "|---|---|---|---|",
    ]
    for name in SETS:
        run = _read(name)
        pairs = zip(_answering(run), _answering(run["words"]), strict=True)
        cells = " | ".join(f"{_shown(on)} / {_shown(off)}" for on, off in pairs)
        lines.append(f"| {name} | {cells} |")
    return "\n".join(lines)


def _declining() -> str:
    lines = [
        "| declining at the shipped threshold | unanswerable | declined | answerable | declined "
        "| AUROC |",
        "|---|---|---|---|---|---|",
    ]
    for name in SETS:
        run = _read(name)
        refusal, n = run["refusal"], run["n"]
        if refusal["auroc"] is not None:
            lines.append(
                f"| {name} | {n['unanswerable']:,} | {refusal['recall']:.0%} "
                f"| {n['answerable']:,} | {refusal['over_refusal']:.0%} | {refusal['auroc']:.3f} |"
            )
    return "\n".join(lines)


def _selection() -> str:
    """What the fit itself measured, on the articles it was fitted on and on the others."""
    weights = json.loads((ROOT / "rag" / "select_weights.json").read_text(encoding="utf-8"))
    lines = [
        "| set (`python -m eval.bench.fit_select`) | side | chosen by | questions "
        "| first quote holds the answer | any quote does | declining, AUROC "
        "| answerable declined | unanswerable declined |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    sides = {"tune": "fitted on", "report": "**never fitted on**"}
    ways = {"words": "words and embeddings", "reader": "the small model too"}
    for set_ in weights["words"]["figures"]:
        for side, name in sides.items():
            for way, by in ways.items():
                row = weights[way]["figures"][set_][side]
                lines.append(
                    f"| {set_} | {name} | {by} | {row['questions']:,} "
                    f"| {row['sentence_hit@1']:.3f} | {row['answer_hit']:.3f} "
                    f"| {row['auroc']:.3f} | {row['over_refusal']:.0%} | {row['refused']:.0%} |"
                )
    return "\n".join(lines)


def _grounding() -> str:
    lines = [
        "| is it supported? report halves (`footnote eval grounding`) | rows | balanced accuracy "
        "| word overlap | AUROC | word overlap | calibration error |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, run in _read("grounding").items():
        overlap = run["anchor"]
        lines.append(
            f"| {name} | {run['n']:,} | {run['balanced_accuracy']:.3f} "
            f"| {overlap['balanced_accuracy']:.3f} | {run['auroc']:.3f} | {overlap['auroc']:.3f} "
            f"| {run['calibration_error']:.3f} |"
        )
    return "\n".join(lines)


def _reliability_plot() -> str:
    """How often people found a sentence supported, by the verifier's score, as SVG."""
    lines = {
        name: [(score, share) for score, share, _ in run["reliability"]]
        for name, run in _read("grounding").items()
    }
    perfect = {"as scored": [(0.0, 0.0), (1.0, 1.0)]}
    return alone(curves(lines | perfect, "score", "found supported by people"))


def _lexical() -> str:
    lines = [
        "| lexical index | documents | nDCG@10, FTS5 / bm25s | ms per query "
        "| one changed document |",
        "|---|---|---|---|---|",
    ]
    for name, row in _read("lexical").items():
        a, b = row["fts5"], row["bm25s"]
        lines.append(
            f"| {name} | {row['documents']:,} | {a['ndcg@10']:.3f} / {b['ndcg@10']:.3f} "
            f"| {a['query_ms']:.1f} / {b['query_ms']:.1f} "
            f"| {a['change_ms']:.0f} / {b['change_ms']:,.0f} ms |"
        )
    return "\n".join(lines)


def _chunking() -> str:
    run = _read("chunking")
    lines = [
        f"| chunks, by characters ({run['n']} questions) | top 5: recall | precision | IoU "
        f"| {run['budget_characters']:,} characters: recall | precision | IoU |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in run["compare"]:
        cells = []
        for figures in (row["top5"], row["budget"]):
            for name in ("char_recall", "precision", "iou"):
                halves = figures["halves"]
                cells.append(f"{halves['tune'][name]:.3f} / {halves['report'][name]:.3f}")
        name = f"**{row['method']}**" if row["method"] == "shipped" else row["method"]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _injection() -> str:
    run, local = _read("injection"), _read("injection_local")
    lines = [
        "| planted in documents (`footnote eval injection`) | texts | flagged | said |",
        "|---|---|---|---|",
        f"| instructions | {run['n_attacks']} | {run['flagged_attacks']} "
        f"| {run['attack_success_rate']:.0%} |",
        "| the same after the sentence of the evidence, a small local model asked (`--engine llm "
        f"--llm local --position sentence`) | {local['n_attacks']} | {local['flagged_attacks']} "
        f"| {local['attack_success_rate']:.1%} |",
        f"| harmless | {run['n_benign']} | {run['false_alarm_rate'] * run['n_benign']:.0f} | - |",
    ]
    return "\n".join(lines)


def _scale() -> str:
    run = _read("ingest_scale")
    pdf, first, memory = run["pdf"], run["first_answer"], run["memory"]
    return "\n".join(
        (
            "| ingest of much (`python -m eval.bench.ingest_scale`) | |",
            "|---|---|",
            f"| {pdf['files']} PDF files, {pdf['pages']:,} pages, {pdf['chunks']:,} chunks: share "
            f"of the time in which embedding is at work | {pdf['embedding_busy']:.0%} |",
            f"| {first['chunks']:,} chunks: first answer to another process, from the start "
            f"| {first['seconds']:.1f} s |",
            f"| the same: all of it found by its words | {first['all_by_words_seconds']:.1f} s |",
            f"| a text of {memory['megabytes']:,.0f} MB: peak memory, and of the parser's process "
            f"| {memory['peak_mb']:,.0f} and {memory['parser_peak_mb']:,.0f} MB |",
        )
    )


def _readers() -> str:
    run = _read("pdf_readers")
    lines = [
        f"| readers of {run['files']} quarterly reports (`python -m eval.bench.pdf_readers`) "
        "| pages a CPU second | numbers of the answers found | words of PDFium's text "
        "| neighbours in it |",
        "|---|---|---|---|---|",
    ]
    for name, row in run["readers"].items():
        lines.append(
            f"| {name} | {row['pages_per_cpu_second']:.1f} | {row['gold_numbers_found']:.3f} "
            f"| {row['words_of_pdfium']:.3f} | {row['neighbours_of_pdfium']:.3f} |"
        )
    return "\n".join(lines)


def _ocr() -> str:
    lines = [
        "| OCR of pages rendered from them | pages | characters wrong | worst page "
        "| CPU seconds a page |",
        "|---|---|---|---|---|",
    ]
    for name, row in _read("pdf_readers")["ocr"].items():
        lines.append(
            f"| {name} | {row['pages']} | {row['character_error_rate']:.1%} "
            f"| {row['worst_page']:.1%} | {row['cpu_seconds_per_page']:.2f} |"
        )
    return "\n".join(lines)


def _chunkers() -> str:
    run = _read("chunkers")
    lines = [
        "| ways to cut, on whole documents (`python -m eval.bench.chunkers`) | set | questions "
        "| nDCG@10 |",
        "|---|---|---|---|",
    ]
    for row in run["rows"]:
        name = f"**{row['method']}**" if row["method"] == "shipped" else row["method"]
        lines.append(f"| {name} | {row['set']} | {run['limit']} | {row['ndcg@10']:.3f} |")
    return "\n".join(lines)


def _alike() -> str:
    run = _read("alike_reports")
    lines = [
        "| ten quarterly reports of five companies (`python -m eval.bench.alike_reports`) "
        "| questions | answered | by nothing but quotes from there |",
        "|---|---|---|---|",
    ]
    names = {
        "right_company": "asked about a company",
        "right_report": "of these, about one report that is there",
        "other_report": "of these, about one report that is not there",
    }
    for name, shown in names.items():
        row = run[name]
        right = "-" if name == "other_report" else row["right"]
        lines.append(f"| {shown} | {row['questions']} | {row['answered']} | {right} |")
    return "\n".join(lines)


def _engines() -> str:
    lines = [
        "| quoting against a small local model, policy strict (`python -m eval.bench.engines`) "
        "| asked | right, of the answerable | declined of them | declined of the unanswerable "
        "| supported sentences | written by the model | p50 / p95, s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for path in sorted(RESULTS.glob("engines_*.json")):
        for row in _read(path.stem)["rows"]:
            names = ("right", "declined_wrong", "declined_right", "supported", "written")
            cells = " | ".join("-" if row[x] is None else f"{row[x]:.2f}" for x in names)
            lines.append(
                f"| {row['set']}, `{row['engine']}` | {row['n']} | {cells} "
                f"| {row['p50']:.1f} / {row['p95']:.1f} |"
            )
    return "\n".join(lines)


def _local_model() -> str:
    run = _read("local_model")
    plain, fast, ratio = run["plain"], run["fast"], run["ratio"]
    return "\n".join(
        (
            f"| {run['model']}, {run['prompts']} prompts (`python -m eval.bench.local_model`) "
            "| plain call | as shipped | plain / shipped |",
            "|---|---|---|---|",
            f"| seconds in all | {plain['seconds']:.0f} | {fast['seconds']:.0f} "
            f"| {ratio['total']:.2f} |",
            f"| seconds to the first token, median | {plain['first_token_median']:.1f} "
            f"| {fast['first_token_median']:.1f} | {ratio['median_to_first']:.2f} |",
            f"| CPU seconds | {plain['cpu_seconds']:.0f} | {fast['cpu_seconds']:.0f} "
            f"| {ratio['cpu_total']:.2f} |",
            f"| tokens not read again, guessed, guessed rightly | - | {fast['kept_tokens']}, "
            f"{fast['guessed_tokens']}, {fast['right_guesses']} | |",
        )
    )


def _chat() -> str:
    run = _read("chat")
    alone, together, screen = run["alone_ms"], run["together_ms"], run["answer_on_screen_ms"]
    rows = [
        ("first paint of the page, empty cache", f"{run['first_paint_ms'] / 1000:.2f} s", "1.5 s"),
        ("question box and library are there", f"{run['interactive_ms'] / 1000:.2f} s", "3 s"),
        ("from Enter to a quoted answer on the screen", _seconds(screen), "0.5 s"),
        (
            f"an answer, {run['visitors']} visitors at once, without a pause",
            _seconds(together),
            "p95 3 s",
        ),
        ("the same questions again, one visitor at a time", _seconds(alone), "-"),
        ("answers that were another's", f"{run['answers_that_differ']} of {run['questions']}", "0"),
    ]
    lines = [
        f"| the chat, extractive (`python -m ui.web.bench`; {run['machine']}, {run['date']}, "
        f"load {run['load_before']:.1f} before) | p50 / p95 | aim |",
        "|---|---|---|",
    ]
    return "\n".join([*lines, *(f"| {what} | {took} | {aim} |" for what, took, aim in rows)])


def _seconds(spread: dict[str, float]) -> str:
    return f"{spread['p50'] / 1000:.2f} / {spread['p95'] / 1000:.2f} s"


def _read(name: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return result


if __name__ == "__main__":
    main()
