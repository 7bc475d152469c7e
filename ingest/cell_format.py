"""Numbers of a spreadsheet as it shows them, after the codes of ECMA-376 part 1, 18.8.30-31."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from functools import lru_cache
from typing import NamedTuple

# fmt: off
BUILTIN = {
    0: "General", 1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%",
    11: "0.00E+00", 14: "yyyy-mm-dd", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm",
    19: "h:mm:ss", 20: "h:mm", 21: "h:mm:ss", 22: "yyyy-mm-dd h:mm", 37: "#,##0", 38: "#,##0",
    39: "#,##0.00", 40: "#,##0.00", 41: "#,##0", 42: "$#,##0", 43: "#,##0.00", 44: "$#,##0.00",
    45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss", 48: "0.0E+0", 49: "@",
}
# fmt: on
_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|[_*].|\[\$(?P<currency>[^\]-]*)[^\]]*\]'
    r"|(?P<elapsed>\[[hms]+\])|\[[^\]]*\]|(?P<digits>[#0?][#0?,.]*)|(?P<other>.)",
    re.IGNORECASE | re.DOTALL,
)
_PART = re.compile(r'(?:"[^"]*"|\\.|\[[^\]]*\]|[^;"\\\[]|["\\\[])+')
_MAX_DECIMALS = 30


def shown(value: str, code: str, *, epoch_1904: bool = False) -> str:
    """The number ``value`` under the format ``code``: a date in ISO 8601, percent, thousands.

    What the code asks for beyond that (fractions, powers of ten) is shown as a plain number, and
    text that is no number as it stands.
    """
    try:
        number = Decimal(value)
    except InvalidOperation:
        return value
    if not number.is_finite() or abs(number.adjusted()) > 300:
        return value
    sections = _sections(code)
    negative = number < 0 and len(sections) > 1
    section = sections[1 if negative else 2 if number == 0 and len(sections) > 2 else 0]
    letters = section.letters
    if letters.startswith("general") or "@" in letters or not section.tokens:
        return _plain(number)
    if section.elapsed or re.search("[ymdhs]", re.sub("am/pm|a/p", "", letters)):
        return _moment(number, section, epoch_1904=epoch_1904)
    if "e" in letters or "/" in letters:
        return _plain(number)
    return _digits(abs(number) if negative else number, section.tokens)


class _Section(NamedTuple):
    """One of the parts of a code, which are for positive and negative numbers, zero and text."""

    tokens: tuple[re.Match[str], ...]
    letters: str
    elapsed: bool


@lru_cache(maxsize=500)
def _sections(code: str) -> tuple[_Section, ...]:
    sections: list[_Section] = []
    for part in _PART.findall(code) or [code]:
        tokens = tuple(_TOKEN.finditer(part))
        letters = "".join(token["other"] or "" for token in tokens).lower()
        sections.append(_Section(tokens, letters, any(token["elapsed"] for token in tokens)))
    return tuple(sections)


def _plain(number: Decimal) -> str:
    """A number as a cell without format shows it: 15 digits, no needless zeros."""
    return format(float(number), ".15g")


def _moment(number: Decimal, section: _Section, *, epoch_1904: bool) -> str:
    letters = section.letters
    seconds = round(number * 86400)
    if section.elapsed:
        sign, seconds = "-" * (seconds < 0), abs(seconds)
        return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    epoch = date(1904, 1, 1) if epoch_1904 else date(1899, 12, 30)
    if not epoch_1904 and 0 <= number < 60:  # 1900 was no leap year, spreadsheets say it was
        epoch += timedelta(days=1)
    try:
        moment = datetime.combine(epoch, datetime.min.time()) + timedelta(seconds=seconds)
    except OverflowError:
        return _plain(number)
    if not re.search("[yd]", letters) and not re.fullmatch("[^hs]*m[^hs]*", letters):
        return moment.time().isoformat()
    if not re.search("[hs]", letters):
        return moment.date().isoformat()
    return moment.isoformat(" ")


def _digits(number: Decimal, tokens: Sequence[re.Match[str]]) -> str:
    """A number with the decimals, thousands, percent sign and literal text of its format."""
    parts: list[str] = []
    digits = ""
    scale = 100 if any(token["other"] == "%" for token in tokens) else 1
    for token in tokens:
        if token["digits"] and not digits:
            digits = _number(abs(number) * scale, token["digits"])
            parts.append(digits)
        elif not token["digits"]:
            literal = token["quoted"] or token["escaped"] or token["currency"] or token["other"]
            parts.append(literal or "")
    sign = "-" if number < 0 and re.search("[1-9]", digits) else ""
    return sign + "".join(parts).strip() if digits else _plain(number)


def _number(number: Decimal, pattern: str) -> str:
    body = pattern.rstrip(",")
    whole, _, fraction = body.partition(".")
    least = min(fraction.count("0"), _MAX_DECIMALS)
    most = min(len(fraction), _MAX_DECIMALS)
    with localcontext() as context:
        context.prec = 400
        number = number.scaleb(-3 * (len(pattern) - len(body)))
        number = number.quantize(Decimal(1).scaleb(-most), rounding=ROUND_HALF_UP)
    integer, _, decimals = f"{number:,f}".partition(".")
    decimals = decimals[:least] + decimals[least:].rstrip("0")
    if "," not in whole:
        integer = integer.replace(",", "").zfill(min(whole.count("0"), _MAX_DECIMALS))
    return f"{integer}.{decimals}" if decimals else integer
