"""What a language model wrote: its lines, and the Markdown inside them. Nothing of it can run.

Of Markdown there are emphasis, code, formulas, lists and tables. A link is shown as it is written:
where an answer leads, its citations say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any, Literal

from rag.reply import FENCE, table_cells
from rag.types import Sentence
from ui.web.formula import as_mathml

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

Kind = Literal["text", "item", "row", "code"]

_ITEM = re.compile(r"([-*•+]|\d{1,2}[.)]) \Z")
_BELOW_HEADER = re.compile(r"\|[-:| \t]*-[-:| \t]*\|")
# As money is written, a dollar before a digit ends no formula.
_FORMULA = re.compile(
    r"\$\$(?P<block>[^$]+)\$\$|\\\[(?P<display>.{1,500}?)\\\]|\\\((?P<inline>.{1,500}?)\\\)"
    r"|\$(?P<dollars>[^\s$](?:[^$]*[^\s$\\])?)\$(?!\w)"
)
_MARKS = {"strong": "**", "em": "*"}
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~$&])")


@dataclass(frozen=True, slots=True)
class Line:
    """Sentences that stand together: a paragraph, an item of a list, a row of a table, code.

    ``mark`` is that of the item, ``-`` or ``2.``; ``below_header`` says that the row before this
    one names the columns.
    """

    kind: Kind
    sentences: tuple[Sentence, ...]
    mark: str = ""
    below_header: bool = False


def lines_of(text: str, sentences: Sequence[Sentence], quoted: bool = False) -> list[Line]:
    """How the sentences of an answer's ``text`` stand in it.

    Those that are ``quoted`` are paragraphs and items of lists, whatever marks their words have.
    """
    lines: list[Line] = []
    end = 0
    for sentence in sentences:
        gap = text[end : sentence.start]
        end = sentence.end
        item = _ITEM.search(gap)
        kind = _kind("" if quoted else sentence.text, item is not None)
        last = lines[-1] if lines else None
        if last and kind == "text" and last.kind in ("text", "item") and "\n" not in gap:
            lines[-1] = Line(last.kind, (*last.sentences, sentence), last.mark)
        else:
            mark = item[1] if item and kind == "item" else ""
            lines.append(Line(kind, (sentence,), mark, bool(_BELOW_HEADER.search(gap))))
    return lines


def _kind(text: str, is_item: bool) -> Kind:
    if text.startswith(FENCE):
        return "code"
    if table_cells(text):
        return "row"
    return "item" if is_item else "text"


def code_of(text: str) -> str:
    """The lines between the fences of a block of code."""
    _, _, body = text.partition("\n")
    return body.removesuffix(FENCE).rstrip()


def as_html(text: str) -> str:
    """One sentence, or a cell, as HTML."""
    return "".join(map(_html, _inline(text)))


def as_markdown(text: str) -> str:
    """One sentence, or a cell, as Markdown in which only its own marks are marks."""
    return "".join(map(_escaped, _inline(text)))


def escape_markdown(text: str) -> str:
    """Text on one line in which nothing is Markdown."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def _html(token: Token) -> str:
    name, is_end = _mark(token)
    if name:
        return f"</{name}>" if is_end else f"<{name}>"
    if token.type == "code_inline":
        return f'<code dir="ltr">{escape(token.content)}</code>'
    if token.type == "formula":
        return as_mathml(token.content, bool(token.meta["is_block"]))
    return escape(token.content)


def _escaped(token: Token) -> str:
    name, _ = _mark(token)
    if name:
        return _MARKS[name]
    if token.type in ("code_inline", "formula"):
        content = token.content
        longest = max(map(len, re.findall("`+", content)), default=0)
        fence = "`" * (longest + 1)
        room = " " if content.startswith("`") or content.endswith("`") else ""
        code = f"{fence}{room}{content}{room}{fence}"
        return f"${code}$" if token.type == "formula" and not longest else code
    return _MARKDOWN.sub(r"\\\1", token.content)


def _mark(token: Token) -> tuple[str, bool]:
    name, _, side = token.type.partition("_")
    return (name, side == "close") if side in ("open", "close") and name in _MARKS else ("", False)


def _inline(text: str) -> Iterator[Token]:
    for block in _parser().parseInline(" ".join(text.split())):
        yield from block.children or ()


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("zero", {"html": False})
    parser.enable(["escape", "backticks", "emphasis"])
    parser.inline.ruler.before("escape", "formula", _formula)
    parser.inline.ruler.before("emphasis", "times", _times)
    return parser


def _formula(state: StateInline, silent: bool) -> bool:
    found = _FORMULA.match(state.src, state.pos, state.posMax)
    if not found:
        return False
    if not silent:
        token: Any = state.push("formula", "", 0)
        token.content = found[str(found.lastgroup)].strip()
        token.meta = {"is_block": found.lastgroup in ("block", "display")}
    state.pos = found.end()
    return True


def _times(state: StateInline, silent: bool) -> bool:
    """A star inside a word or between numbers is a character of it, as in ``2*3*4``."""
    around = state.src[max(0, state.pos - 1) : state.pos + 2]
    if len(around) < 3 or around[1] != "*" or not (around[0].isalnum() and around[2].isalnum()):
        return False
    if not silent:
        state.pending += "*"
    state.pos += 1
    return True
