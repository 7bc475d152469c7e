"""The tables of docs/measurements.md on answers: how right, how grounded, when declined."""

from __future__ import annotations

import json

from eval.anchors import NAMES as ANCHORS
from eval.charts import alone, curves
from eval.figures import CURVES, MEASURES
from eval.metrics import shown
from eval.published import RESULTS, ROOT, SETS, answering, read, table
from eval.rankings import NAMES as RANKINGS


def tables() -> list[str]:
    """All of them, in order."""
    made = (
        _figures,
        _causes,
        _rankings,
        _declining,
        _selection,
        _small_model,
        _grounding,
        _injection,
        _alike,
        _engines,
    )
    return [table() for table in made]


def reliability_plot() -> str:
    """How often people found a sentence supported, by the verifier's score, as SVG."""
    lines = {
        name: [(score, share) for score, share, _ in run["reliability"]]
        for name, run in read("grounding").items()
    }
    perfect = {"as scored": [(0.0, 0.0), (1.0, 1.0)]}
    return alone(curves(lines | perfect, "score", "found supported by people"))


def _figures() -> str:
    head = (
        "sample library, with 95% intervals (`footnote eval run`) | value | BM25, best sentence "
        "| word overlap"
    )
    rows = []
    titles = {measure.name: measure.title for measure in (*MEASURES, *CURVES)}
    for row in read("sample")["figures"]:
        value = shown(row["value"])
        if row["low"] is not None:
            value += f" ({shown(row['low'])} to {shown(row['high'])})"
        anchors = " | ".join(shown(row["anchors"].get(name)) for name in ANCHORS)
        rows.append(f"{titles[row['name']]} | {value} | {anchors}")
    return table(head, rows)


def _causes() -> str:
    causes = read("sample")["causes"]
    rows = [f"{cause} | {n}" for cause, n in causes.items() if n]
    return table(
        "sample library, one cause a question | questions", [*rows, f"all | {sum(causes.values())}"]
    )


def _rankings() -> str:
    head = (
        "nDCG@10 of documents (`footnote eval benchmark`) | as shipped | BM25 alone "
        "| vectors alone | reciprocal ranks"
    )
    rows = []
    for name in SETS:
        run = read(name)
        found = (run["retrieval"], *(run["baselines"][other] for other in RANKINGS))
        rows.append(f"{name} | {' | '.join(shown(figures['ndcg@10']) for figures in found)}")
    return table(head, rows)


def _declining() -> str:
    head = (
        "declining at the shipped threshold | unanswerable | declined | answerable | declined "
        "| AUROC"
    )
    rows = []
    for name in SETS:
        run = read(name)
        refusal, n = run["refusal"], run["n"]
        if refusal["auroc"] is not None:
            rows.append(
                f"{name} | {n['unanswerable']:,} | {refusal['recall']:.0%} "
                f"| {n['answerable']:,} | {refusal['over_refusal']:.0%} | {refusal['auroc']:.3f}"
            )
    return table(head, rows)


def _selection() -> str:
    """What the fit itself measured, on the articles it was fitted on and on the others."""
    weights = json.loads((ROOT / "rag" / "select_weights.json").read_text(encoding="utf-8"))
    head = (
        "set (`python -m eval.bench.fit_select`) | side | chosen by | questions "
        "| first quote holds the answer | any quote does | declining, AUROC "
        "| answerable declined | unanswerable declined"
    )
    rows = []
    sides = {"tune": "fitted on", "report": "**never fitted on**"}
    ways = {"words": "words and embeddings", "reader": "the small model too"}
    for set_ in weights["words"]["figures"]:
        for side, name in sides.items():
            for way, by in ways.items():
                row = weights[way]["figures"][set_][side]
                rows.append(
                    f"{set_} | {name} | {by} | {row['questions']:,} "
                    f"| {row['sentence_hit@1']:.3f} | {row['answer_hit']:.3f} "
                    f"| {row['auroc']:.3f} | {row['over_refusal']:.0%} | {row['refused']:.0%}"
                )
    return table(head, rows)


def _small_model() -> str:
    """What the small model adds: the same questions with it and without."""
    head = (
        "with the small model / without (`footnote eval benchmark`) "
        "| first quote holds the answer | any quote does | declining, AUROC"
    )
    rows = []
    for name in SETS:
        run = read(name)
        pairs = zip(answering(run), answering(run["words"]), strict=True)
        cells = " | ".join(f"{shown(on)} / {shown(off)}" for on, off in pairs)
        rows.append(f"{name} | {cells}")
    return table(head, rows)


def _grounding() -> str:
    head = (
        "is it supported? report halves (`footnote eval grounding`) | rows | balanced accuracy "
        "| word overlap | AUROC | word overlap | calibration error"
    )
    rows = []
    for name, run in read("grounding").items():
        overlap = run["anchor"]
        rows.append(
            f"{name} | {run['n']:,} | {run['balanced_accuracy']:.3f} "
            f"| {overlap['balanced_accuracy']:.3f} | {run['auroc']:.3f} | {overlap['auroc']:.3f} "
            f"| {run['calibration_error']:.3f}"
        )
    return table(head, rows)


def _injection() -> str:
    run, local = read("injection"), read("injection_local")
    head = "planted in documents (`footnote eval injection`) | texts | flagged | said"
    rows = (
        f"instructions | {run['n_attacks']} | {run['flagged_attacks']} "
        f"| {run['attack_success_rate']:.0%}",
        "the same after the sentence of the evidence, a small local model asked (`--engine llm "
        f"--llm local --position sentence`) | {local['n_attacks']} | {local['flagged_attacks']} "
        f"| {local['attack_success_rate']:.1%}",
        f"harmless | {run['n_benign']} | {run['false_alarm_rate'] * run['n_benign']:.0f} | -",
    )
    return table(head, rows)


def _alike() -> str:
    run = read("alike_reports")
    head = (
        "ten quarterly reports of five companies (`python -m eval.bench.alike_reports`) "
        "| questions | answered | by nothing but quotes from there"
    )
    rows = []
    names = {
        "right_company": "asked about a company",
        "right_report": "of these, about one report that is there",
        "other_report": "of these, about one report that is not there",
    }
    for name, title in names.items():
        row = run[name]
        right = "-" if name == "other_report" else row["right"]
        rows.append(f"{title} | {row['questions']} | {row['answered']} | {right}")
    return table(head, rows)


def _engines() -> str:
    head = (
        "quoting against a small local model, policy strict (`python -m eval.bench.engines`) "
        "| asked | right, of the answerable | declined of them | declined of the unanswerable "
        "| supported sentences | written by the model | p50 / p95, s"
    )
    rows = []
    for path in sorted(RESULTS.glob("engines_*.json")):
        for row in read(path.stem)["rows"]:
            names = ("right", "declined_wrong", "declined_right", "supported", "written")
            cells = " | ".join(shown(row[name], 2) for name in names)
            rows.append(
                f"{row['set']}, `{row['engine']}` | {row['n']} | {cells} "
                f"| {row['p50']:.1f} / {row['p95']:.1f}"
            )
    return table(head, rows)
