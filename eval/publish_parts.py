"""The tables of docs/measurements.md on what answers stand on: search, ingest, models, the chat."""

from __future__ import annotations

from eval.published import bold, read, table


def tables() -> list[str]:
    """All of them, in order."""
    made = (_lexical, _chunking, _chunkers, _readers, _ocr, _scale, _local_model, _chat)
    return [table() for table in made]


def _lexical() -> str:
    head = "lexical index | documents | nDCG@10, FTS5 / bm25s | ms per query | one changed document"
    rows = []
    for name, row in read("lexical").items():
        a, b = row["fts5"], row["bm25s"]
        rows.append(
            f"{name} | {row['documents']:,} | {a['ndcg@10']:.3f} / {b['ndcg@10']:.3f} "
            f"| {a['query_ms']:.1f} / {b['query_ms']:.1f} "
            f"| {a['change_ms']:.0f} / {b['change_ms']:,.0f} ms"
        )
    return table(head, rows)


def _chunking() -> str:
    run = read("chunking")
    head = (
        f"chunks, by characters ({run['n']} questions) | top 5: recall | precision | IoU "
        f"| {run['budget_characters']:,} characters: recall | precision | IoU"
    )
    rows = []
    for row in run["compare"]:
        cells = []
        for figures in (row["top5"], row["budget"]):
            for name in ("char_recall", "precision", "iou"):
                halves = figures["halves"]
                cells.append(f"{halves['tune'][name]:.3f} / {halves['report'][name]:.3f}")
        rows.append(f"{bold(row['method'])} | {' | '.join(cells)}")
    return table(head, rows)


def _chunkers() -> str:
    run = read("chunkers")
    head = (
        "ways to cut, on whole documents (`python -m eval.bench.chunkers`) | set | questions "
        "| nDCG@10"
    )
    rows = []
    for row in run["rows"]:
        method = bold(row["method"])
        rows.append(f"{method} | {row['set']} | {run['limit']} | {row['ndcg@10']:.3f}")
    return table(head, rows)


def _readers() -> str:
    run = read("pdf_readers")
    head = (
        f"readers of {run['files']} quarterly reports (`python -m eval.bench.pdf_readers`) "
        "| pages a CPU second | numbers of the answers found | words of PDFium's text "
        "| neighbours in it"
    )
    rows = []
    for name, row in run["readers"].items():
        rows.append(
            f"{name} | {row['pages_per_cpu_second']:.1f} | {row['gold_numbers_found']:.3f} "
            f"| {row['words_of_pdfium']:.3f} | {row['neighbours_of_pdfium']:.3f}"
        )
    return table(head, rows)


def _ocr() -> str:
    head = (
        "OCR of pages rendered from them | pages | characters wrong | worst page "
        "| CPU seconds a page"
    )
    rows = []
    for name, row in read("pdf_readers")["ocr"].items():
        rows.append(
            f"{name} | {row['pages']} | {row['character_error_rate']:.1%} "
            f"| {row['worst_page']:.1%} | {row['cpu_seconds_per_page']:.2f}"
        )
    return table(head, rows)


def _scale() -> str:
    run = read("ingest_scale")
    pdf, first, memory = run["pdf"], run["first_answer"], run["memory"]
    head = "ingest of much (`python -m eval.bench.ingest_scale`) |"
    rows = (
        f"{pdf['files']} PDF files, {pdf['pages']:,} pages, {pdf['chunks']:,} chunks: share of the "
        f"time in which embedding is at work | {pdf['embedding_busy']:.0%}",
        f"{first['chunks']:,} chunks: first answer to another process, from the start "
        f"| {first['seconds']:.1f} s",
        f"the same: all of it found by its words | {first['all_by_words_seconds']:.1f} s",
        f"a text of {memory['megabytes']:,.0f} MB: peak memory, and of the parser's process "
        f"| {memory['peak_mb']:,.0f} and {memory['parser_peak_mb']:,.0f} MB",
    )
    return table(head, rows)


def _local_model() -> str:
    run = read("local_model")
    plain, fast, ratio = run["plain"], run["fast"], run["ratio"]
    head = (
        f"{run['model']}, {run['prompts']} prompts (`python -m eval.bench.local_model`) "
        "| plain call | as shipped | plain / shipped"
    )
    rows = (
        f"seconds in all | {plain['seconds']:.0f} | {fast['seconds']:.0f} | {ratio['total']:.2f}",
        f"seconds to the first token, median | {plain['first_token_median']:.1f} "
        f"| {fast['first_token_median']:.1f} | {ratio['median_to_first']:.2f}",
        f"CPU seconds | {plain['cpu_seconds']:.0f} | {fast['cpu_seconds']:.0f} "
        f"| {ratio['cpu_total']:.2f}",
        f"tokens not read again, guessed, guessed rightly | - | {fast['kept_tokens']}, "
        f"{fast['guessed_tokens']}, {fast['right_guesses']} |",
    )
    return table(head, rows)


def _chat() -> str:
    run = read("chat")
    head = (
        f"the chat, extractive (`python -m ui.web.bench`; {run['machine']}, {run['date']}, "
        f"load {run['load_before']:.1f} before) | p50 / p95 | aim"
    )
    rows = (
        f"first paint of the page, empty cache | {run['first_paint_ms'] / 1000:.2f} s | 1.5 s",
        f"question box and library are there | {run['interactive_ms'] / 1000:.2f} s | 3 s",
        f"from Enter to a quoted answer on the screen | {_seconds(run['answer_on_screen_ms'])} "
        "| 0.5 s",
        f"an answer, {run['visitors']} visitors at once, without a pause "
        f"| {_seconds(run['together_ms'])} | p95 3 s",
        f"the same questions again, one visitor at a time | {_seconds(run['alone_ms'])} | -",
        f"answers that were another's | {run['answers_that_differ']} of {run['questions']} | 0",
    )
    return table(head, rows)


def _seconds(spread: dict[str, float]) -> str:
    return f"{spread['p50'] / 1000:.2f} / {spread['p95'] / 1000:.2f} s"
