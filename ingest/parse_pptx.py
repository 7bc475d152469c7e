"""PowerPoint presentations: slide by slide, with the speaker's notes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingest.parsed import BlockKind, Builder, Parsed, collapse, office_origin, row_spans
from ingest.table_header import take_header
from ingest.zipped import open_zip, reading
from rag.types import Box, Place

if TYPE_CHECKING:
    from pptx.presentation import Presentation
    from pptx.slide import Slide

_MAX_DEPTH = 50  # of groups in groups


def parse_pptx(path: Path, media_type: str) -> Parsed:
    """Read the slides in order: title, then the other shapes, then the speaker's notes.

    A page is a slide, and every block has the box of its shape on it. Hidden slides and shapes are
    flagged. Raises ``BadDocument`` for a file that is no presentation, is broken, or would unpack
    to too much; see ``open_zip``.
    """
    import pptx
    from pptx.exc import PythonPptxError

    open_zip(path).close()
    with reading(path, PythonPptxError):
        presentation = pptx.Presentation(str(path))
        builder = Builder()
        for number, slide in enumerate(presentation.slides, 1):
            before = len(builder.blocks)
            _Slide(builder, presentation, slide, number).add()
            if len(builder.blocks) == before:
                builder.blank_pages.append(number)
        properties = presentation.core_properties
        date, author = office_origin(properties.created, properties.author or "")
        return builder.build(
            title=builder.title_or(path.stem, _title(properties.title)),
            media_type=media_type,
            date=date,
            pages=len(presentation.slides),
            author=author,
            language=properties.language or "",
        )


def _title(stated: str) -> str:
    # What PowerPoint sets by itself says nothing.
    return "" if collapse(stated) == "PowerPoint Presentation" else collapse(stated)


class _Slide:
    """Appends what is on one slide."""

    def __init__(
        self, builder: Builder, presentation: Presentation, slide: Slide, number: int
    ) -> None:
        self._builder = builder
        self._slide = slide
        self._number = number
        self._size = (presentation.slide_width or 0, presentation.slide_height or 0)
        self._hidden = ""
        if slide.element.get("show") in ("0", "false"):
            self._hidden = f"slide {number} is hidden"
            builder.warnings.append(self._hidden)

    def add(self) -> None:
        """Append the title, the other shapes in their order, and the notes."""
        title = self._slide.shapes.title
        if title is not None:
            self._add_shape(title, is_title=True)
        for shape, in_group in _flat(self._slide.shapes):
            if title is None or shape.shape_id != title.shape_id:
                self._add_shape(shape, in_group=in_group)
        if self._slide.has_notes_slide:
            frame = self._slide.notes_slide.notes_text_frame
            for paragraph in frame.paragraphs if frame is not None else ():
                self._add_text("paragraph", paragraph.text, None, self._hidden)

    def _add_shape(self, shape: Any, *, is_title: bool = False, in_group: bool = False) -> None:  # noqa: ANN401
        from pptx.enum.shapes import PP_PLACEHOLDER

        # Coordinates in a group are the group's own.
        box = None if in_group else self._box(shape)
        hidden = self._hidden
        if not hidden and _is_hidden(shape):
            hidden = f"a shape on slide {self._number} is hidden"
            self._builder.warnings.append(hidden)
        if getattr(shape, "has_table", False):
            self._add_table(shape.table, box, hidden)
        elif getattr(shape, "has_chart", False):
            self._add_chart(shape.chart, box, hidden)
        elif shape.has_text_frame:
            if is_title:
                self._add_text("heading", shape.text_frame.text, box, hidden)
                return
            kind = shape.placeholder_format.type if shape.is_placeholder else None
            if kind in (PP_PLACEHOLDER.SLIDE_NUMBER, PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.DATE):
                return
            bullets = kind in (PP_PLACEHOLDER.BODY, PP_PLACEHOLDER.OBJECT)
            for paragraph in shape.text_frame.paragraphs:
                block: BlockKind = "list_item" if bullets else "paragraph"
                self._add_text(block, paragraph.text, box, hidden)
        elif str(shape._element.tag).endswith("}pic"):
            self._builder.images += 1
        elif "diagram" in (getattr(shape._element, "graphicData_uri", None) or ""):
            self._builder.warnings.append(f"slide {self._number}: a diagram was not read")

    def _add_text(self, kind: BlockKind, text: str, box: Box | None, hidden: str) -> None:
        text = text.replace("\v", "\n")  # a line break within a paragraph
        places = [Place(0, len(text), page=self._number, box=box)]
        level = 1 if kind == "heading" else 0
        self._builder.add(kind, text, level=level, page=self._number, places=places, hidden=hidden)

    def _add_table(self, table: Any, box: Box | None, hidden: str) -> None:  # noqa: ANN401
        rows = [[cell.text for cell in row.cells] for row in table.rows]
        self._add_rows(rows, take_header(rows), box, hidden)

    def _add_chart(self, chart: Any, box: Box | None, hidden: str) -> None:  # noqa: ANN401
        """Append the numbers behind a chart as a table: categories down, series across."""
        if chart.has_title and chart.chart_title.has_text_frame:
            self._add_text("paragraph", chart.chart_title.text_frame.text, box, hidden)
        for plot in chart.plots:
            series = list(plot.series)
            header = ["", *(one.name for one in series)]
            rows = [
                [str(category), *(_value(one.values, i) for one in series)]
                for i, category in enumerate(plot.categories)
            ]
            self._add_rows(rows, header, box, hidden)

    def _add_rows(
        self, rows: list[list[str]], header: list[str] | None, box: Box | None, hidden: str
    ) -> None:
        if not hidden:
            boxes = [[box] * len(row) for row in rows]
            self._builder.add_table(rows, header, page=self._number, boxes=boxes)
            return
        self._builder.tables += 1
        for row in rows:
            self._add_text("table_row", row_spans(row, header)[0], box, hidden)

    def _box(self, shape: Any) -> Box | None:  # noqa: ANN401
        width, height = self._size
        edges = (shape.left, shape.top, shape.width, shape.height)
        if not width or not height or any(edge is None for edge in edges):
            return None
        left, top = shape.left / width, shape.top / height
        right, bottom = left + shape.width / width, top + shape.height / height
        box = (_share(left), _share(top), _share(right), _share(bottom))
        return box if box[0] < box[2] and box[1] < box[3] else None


def _share(value: float) -> float:
    return min(max(value, 0.0), 1.0)


def _value(values: Any, position: int) -> str:  # noqa: ANN401
    value = values[position] if position < len(values) else None
    return "" if value is None else format(value, ".15g")


def _flat(shapes: Any, depth: int = 0) -> Iterator[tuple[Any, bool]]:  # noqa: ANN401
    """The shapes in their order, those of groups one by one, and whether they are in a group."""
    for shape in shapes:
        if hasattr(shape, "shapes") and depth < _MAX_DEPTH:
            for inner, _ in _flat(shape.shapes, depth + 1):
                yield inner, True
        else:
            yield shape, depth > 0


def _is_hidden(shape: Any) -> bool:  # noqa: ANN401
    return any(mark.get("hidden") in ("1", "true") for mark in shape._element.iter("{*}cNvPr"))
