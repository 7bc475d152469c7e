"""How fast documents get into an index, beside the textbook pipeline, in one run.

The textbook: LangChain's recursive splitter (1000 characters, 200 overlap), its
``HuggingFaceEmbeddings`` and ``Chroma.add_documents``, with the same model. Loading libraries and
models is not timed. The two run in turn, so that a machine that slows down slows both.

    python -m eval.bench.ingest_speed FOLDER [--json OUT]
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from eval.bench import script
from eval.output import write_json
from ingest.sync import sync
from rag.embed import DEFAULT_MODEL, load_encoder, model_path
from rag.index import create_index

ROUNDS = 3


def textbook(model: str) -> Callable[[list[Path], Path], None]:
    """The pipeline that most tutorials teach, ready to run."""
    from langchain_chroma import Chroma
    from langchain_core.documents import Document
    from langchain_huggingface import HuggingFaceEmbeddings
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
    embeddings = HuggingFaceEmbeddings(model_name=model)
    embeddings.embed_query("warm")

    def run(files: list[Path], folder: Path) -> None:
        documents = [Document(path.read_text(encoding="utf-8")) for path in files]
        store = Chroma(embedding_function=embeddings, persist_directory=str(folder))
        store.add_documents(splitter.split_documents(documents))

    return run


def footnote() -> Callable[[list[Path], Path], None]:
    """Footnote's own way, ready to run."""
    encoder = load_encoder()
    encoder.encode_documents(["warm"])

    def run(files: list[Path], folder: Path) -> None:
        with create_index(folder) as index:
            index.encoder.encode_documents(["warm"])
            sync(index, files)

    return run


def main() -> None:
    """Time both pipelines over the text files of a folder and print their speeds and the ratio."""
    parser = script.parser(__doc__)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    files = sorted(p for p in options.folder.rglob("*") if p.suffix in (".txt", ".md"))
    characters = sum(len(path.read_text(encoding="utf-8")) for path in files)
    pipelines = {"footnote": footnote(), "textbook": textbook(str(model_path(DEFAULT_MODEL)))}
    speeds: dict[str, list[float]] = {name: [] for name in pipelines}
    for number in range(ROUNDS):
        for name, run in pipelines.items():
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                start = time.perf_counter()
                run(files, Path(folder) / "index")
                speeds[name].append(characters / (time.perf_counter() - start))
            print(f"round {number + 1}: {name} {speeds[name][-1]:,.0f} characters/s")
    ratios = [a / b for a, b in zip(speeds["footnote"], speeds["textbook"], strict=True)]
    result = {
        "characters": characters,
        "characters_per_second": {name: statistics.median(v) for name, v in speeds.items()},
        "ratio": statistics.median(ratios),
        "ratios": ratios,
        **script.stamp(),
    }
    write_json(options.json, result)
    print(f"ratio: {result['ratio']:.2f}")


if __name__ == "__main__":
    main()
