"""From which cosine on a passage is near enough to a query to be reported by ``rag.find``?

    python -m eval.bench.find_threshold FOLDER... [--json OUT]

FOLDERs are data sets in the BEIR layout; queries without a judged document are left out. For every
threshold, which rises as ``rag.find_words.threshold`` says where many documents are near: how many
of the documents above it are judged relevant (precision), how many of the relevant ones are above
it (recall), and how many documents a query gets. Few sets judge every document, so the precision is
a lower bound.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from eval.bench import script
from eval.benchmark import read_corpus, read_queries
from eval.output import write_json
from rag.embed import Encoder, load_encoder
from rag.find_words import threshold as cosine_from

THRESHOLDS = (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7)


def measure(folder: Path, encoder: Encoder) -> list[dict[str, float]]:
    """One row of figures per threshold."""
    corpus = list(read_corpus(folder))
    queries = [query for query in read_queries(folder) if query.gold]
    documents = encoder.encode_documents([f"{title}\n{text}" for _, title, text in corpus])
    similarity = encoder.encode_queries([query.text for query in queries]) @ documents.T
    relevant = np.array([[row[0] in query.gold for row in corpus] for query in queries])
    rows = []
    for threshold in THRESHOLDS:
        near = np.array([cosine_from(row, threshold) for row in similarity])
        above = similarity >= near[:, np.newaxis]
        hits = int((above & relevant).sum())
        rows.append(
            {
                "threshold": threshold,
                "precision": round(hits / max(1, int(above.sum())), 3),
                "recall": round(hits / int(relevant.sum()), 3),
                "found_per_query": round(float(above.sum(axis=1).mean()), 2),
            }
        )
    return rows


def main() -> None:
    """Measure, print a line per set and threshold, write JSON."""
    parser = script.parser(__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    arguments = parser.parse_args()
    encoder = load_encoder()
    result: dict[str, Any] = {"model": encoder.name, "sets": {}}
    for folder in arguments.folders:
        result["sets"][folder.name] = rows = measure(folder, encoder)
        for row in rows:
            print(folder.name, *(f"{key}={value}" for key, value in row.items()))
    write_json(arguments.json, result)


if __name__ == "__main__":
    main()
