"""Make ``rag/verify_synonyms.json`` from the files of WordNet.

    python -m eval.bench.synonyms /usr/share/wordnet --out rag/verify_synonyms.json

Kept are single words in lower case, in the first five of their senses, as stems: of one synset they
are alike, those that point at each other as antonyms are opposite.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

from rag.words import stems

SENSES, SHORTEST = 5, 3
KINDS = ("noun", "verb", "adj", "adv")
LICENCE = """WordNet 3.0 Copyright 2006 by Princeton University. All rights reserved. Permission to
use, copy, modify and distribute this software and database and its documentation for any purpose
and without fee or royalty is hereby granted, provided that you agree to comply with the following
copyright notice and statements, including the disclaimer, and that the same appear on ALL copies of
the software, database and documentation, including modifications that you make for internal use or
for distribution. THIS SOFTWARE AND DATABASE IS PROVIDED "AS IS" AND PRINCETON UNIVERSITY MAKES NO
REPRESENTATIONS OR WARRANTIES, EXPRESS OR IMPLIED. BY WAY OF EXAMPLE, BUT NOT LIMITATION, PRINCETON
UNIVERSITY MAKES NO REPRESENTATIONS OR WARRANTIES OF MERCHANTABILITY OR FITNESS FOR ANY PARTICULAR
PURPOSE OR THAT THE USE OF THE LICENSED SOFTWARE, DATABASE OR DOCUMENTATION WILL NOT INFRINGE ANY
THIRD PARTY PATENTS, COPYRIGHTS, TRADEMARKS OR OTHER RIGHTS. The name of Princeton University or
Princeton may not be used in advertising or publicity pertaining to distribution of the software
and/or database. Title to copyright in this software, database and any associated documentation
shall at all times remain with Princeton University and LICENSEE agrees to preserve same."""


def main() -> None:
    """Read WordNet, write the table, print its size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=Path("rag/verify_synonyms.json"))
    arguments = parser.parse_args()
    alike: set[str] = set()
    opposite: set[str] = set()
    for kind in KINDS:
        senses = _senses(arguments.folder / f"index.{kind}")
        synsets = dict(_synsets(arguments.folder / f"data.{kind}"))
        for offset, (words, pointers) in synsets.items():
            known = {_stem(w) for w in words if _plain(w) and senses.get((w, offset), 9) < SENSES}
            if len(known) > 1:
                alike.add(" ".join(sorted(known)))
            for own, target, other in pointers:
                pair = (words[own], synsets[target][0][other])
                if all(map(_plain, pair)) and _stem(pair[0]) != _stem(pair[1]):
                    opposite.add(" ".join(sorted(map(_stem, pair))))
    table = {
        "source": "WordNet 3.0, reduced to stems by `python -m eval.bench.synonyms`",
        "licence": " ".join(LICENCE.split()),
        "alike": "|".join(sorted(alike)),
        "opposite": "|".join(sorted(opposite)),
    }
    arguments.out.write_text(json.dumps(table, ensure_ascii=False, indent=1) + "\n", "utf-8")
    print(f"{len(alike):,} groups, {len(opposite):,} pairs of opposites")


def _plain(word: str) -> bool:
    return word.isascii() and word.isalpha() and word.islower() and len(word) >= SHORTEST


def _stem(word: str) -> str:
    return stems(word)[0]


def _lines(path: Path) -> Iterator[list[str]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("  "):  # the licence
            yield line.split(" | ")[0].split()


def _senses(path: Path) -> dict[tuple[str, str], int]:
    """The rank, from 0, of a sense (by its synset's offset) among those of its word."""
    ranks = {}
    for cells in _lines(path):
        count = int(cells[2])
        ranks.update({(cells[0], offset): i for i, offset in enumerate(cells[-count:])})
    return ranks


def _synsets(path: Path) -> Iterator[tuple[str, tuple[list[str], list[tuple[int, str, int]]]]]:
    """Offset, words and antonyms (own word, other synset, its word) of every synset."""
    for cells in _lines(path):
        count = int(cells[3], 16)
        words = [cells[4 + 2 * i].split("(")[0] for i in range(count)]
        start = 5 + 2 * count
        pointers = []
        for i in range(int(cells[start - 1])):
            symbol, target, _, places = cells[start + 4 * i : start + 4 * i + 4]
            if symbol == "!" and places != "0000":
                pointers.append((int(places[:2], 16) - 1, target, int(places[2:], 16) - 1))
        yield cells[0], (words, pointers)


if __name__ == "__main__":
    main()
