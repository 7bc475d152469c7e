"""The tables of docs/measurements.md on what answers stand on: search, ingest, models, the chat."""

from __future__ import annotations

from eval.published import read


def tables() -> list[str]:
    """All of them, in order."""
    made = (_lexical, _chunking, _chunkers, _readers, _ocr, _scale, _local_model, _chat)
    return [table() for table in made]


def _lexical() -> str:
    lines = [
        "| lexical index | documents | nDCG@10, FTS5 / bm25s | ms per query "
        "| one changed document |",
        "|---|---|---|---|---|",
    ]
    for name, row in read("lexical").items():
        a, b = row["fts5"], row["bm25s"]
        lines.append(
            f"| {name} | {row['documents']:,} | {a['ndcg@10']:.3f} / {b['ndcg@10']:.3f} "
            f"| {a['query_ms']:.1f} / {b['query_ms']:.1f} "
            f"| {a['change_ms']:.0f} / {b['change_ms']:,.0f} ms |"
        )
    return "\n".join(lines)


def _chunking() -> str:
    run = read("chunking")
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


def _chunkers() -> str:
    run = read("chunkers")
    lines = [
        "| ways to cut, on whole documents (`python -m eval.bench.chunkers`) | set | questions "
        "| nDCG@10 |",
        "|---|---|---|---|",
    ]
    for row in run["rows"]:
        name = f"**{row['method']}**" if row["method"] == "shipped" else row["method"]
        lines.append(f"| {name} | {row['set']} | {run['limit']} | {row['ndcg@10']:.3f} |")
    return "\n".join(lines)


def _readers() -> str:
    run = read("pdf_readers")
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
    for name, row in read("pdf_readers")["ocr"].items():
        lines.append(
            f"| {name} | {row['pages']} | {row['character_error_rate']:.1%} "
            f"| {row['worst_page']:.1%} | {row['cpu_seconds_per_page']:.2f} |"
        )
    return "\n".join(lines)


def _scale() -> str:
    run = read("ingest_scale")
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


def _local_model() -> str:
    run = read("local_model")
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
    run = read("chat")
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
