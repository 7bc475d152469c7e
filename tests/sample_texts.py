"""Small files of every text format, for the tests of the parsers."""

from __future__ import annotations

RTF = r"""{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fcharset0 Times;}}
{\info{\title Plums \'e0 la carte}{\author Ada Lovelace}{\creatim\yr2024\mo5\dy6\hr7\min8}}
{\header unseen}\pard Plums are \b stone\b0  fruit: \u8211? caf\'e9.\par
A {\field{\*\fldinst{HYPERLINK "http://example.org"}}{\fldrslt link}} here.{\v unseen}\par
\trowd\cellx1000\cellx2000\intbl Plum\cell County\cell\row
\trowd\cellx1000\cellx2000\intbl Victoria\cell Sussex\cell\row
\pard{\pict\pngblip 00ff}The end.\par}"""

RST = """=====
Plums
=====

:Author: Ada Lovelace
:Date: 2024-05-06

Plums are *stone* fruit,
see :func:`pick`. [1]_

Kinds
-----

- Victoria
- Pershore

  grows well

.. versionadded:: 3.1
   :opt: x

   Unknown text.

.. code-block:: python

   x = 1
     y = 2

====== ======
Plum   Year
====== ======
Vic    1840
====== ======

.. image:: a.png
.. include:: /etc/passwd
.. [1] The note.
"""

JSON = """{
  "title": "Plums",
  "price": 1.10,
  "kinds": [
    {"name": "Victoria", "grown": {"in": "Sussex"}},
    {"name": "Pershore",
     "grown": null, "tags": ["a", "b"]}
  ],
  "open": true
}
"""

CODE = """import sys


def pick(plum):
    count = 1

    return count
}


	pass
x = 1
"""

LOG = "10:00 started\n10:01 failed\n  at line 3\n\n10:02 ended\n"
MARKDOWN = """---
title: Plums
author: Ada Lovelace
lang: en-GB
date: 2024-05-06
---

# Plums

Plums are
stone fruit. ![x](a.png)

| Plum | Year |
|------|------|
| Vic  | 1840 |

```
x = 1
```
"""
HTML = (
    '<html lang="en-GB"><head><title>Plums</title><meta name="author" content="Ada Lovelace">'
    '<meta name="date" content="2024-05-06"></head><body><h1>Plums</h1><p>Stone fruit.</p>'
    '<img src="a.png"></body></html>'
)

TEXTS = {
    "code.py": CODE,
    "events.log": LOG,
    "plums.csv": 'Plum,Year\n\nVictoria,1840\n"two\nlines",1827\nLast,1\n',
    "plums.html": HTML,
    "plums.json": JSON,
    "plums.jsonl": '{"name": "Victoria"}\n\n["Pershore", 1827]\n"text"\n',
    "plums.md": MARKDOWN,
    "plums.rst": RST,
    "plums.rtf": RTF,
    "plums.tsv": "Plum\tYear\nVictoria\t1840\n",
    "plums.txt": "Plums\n\nPlums are stone fruit,\nand grow in Sussex.\n\nThe end.\n",
    "plums.xhtml": HTML.replace("<title>Plums</title>", "<title/>"),
    "plums.yaml": "plums:\n  - Victoria\n\npears: 3\n",
}
