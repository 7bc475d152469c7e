"""Web pages: their main content, and what they state about themselves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ingest.parse import parse
from ingest.parse_html import parse_html
from ingest.parsed import Parsed, collapse, iso_date
from ingest.suspicious import quarantined

_MAIN_SHARE = 0.5  # of the text; where less is the main content, the user is told


def parse_page(path: Path, url: str) -> Parsed:
    """Read the main content of a web page: no menus, related links, banners or comments.

    Without any that can be told from the rest, all of the page is read. Raises ``BadDocument`` as
    ``parse`` does.
    """
    from trafilatura import extract, extract_metadata

    whole = parse(path)
    data = path.read_bytes()
    html = extract(data, url=url, output_format="html", include_comments=False)
    main = parse_html(path, html.encode(), whole.media_type) if html else None
    if main is None or not main.blocks:
        warning = "no main content could be told from the rest: all of the page was read"
        return _warned(whole, warning)
    stated = extract_metadata(data, default_url=url, extensive=False)
    if len(main.text) < _MAIN_SHARE * len(whole.text):
        share = len(main.text) / len(whole.text)
        main = _warned(main, f"main content only: {share:.0%} of the text on the page")
    main = quarantined(main, path.stem)
    return replace(
        main,
        title=collapse(stated.title or "") or whole.title,
        date=whole.date or iso_date(stated.date or ""),
        author=whole.author or collapse(stated.author or ""),
        language=whole.language or stated.language or "",
    )


def _warned(parsed: Parsed, warning: str) -> Parsed:
    fidelity = replace(parsed.fidelity, warnings=(*parsed.fidelity.warnings, warning))
    return replace(parsed, fidelity=fidelity)
