"""Write the PDF and Word documents of the sample library.

The other documents under ``eval/library`` are plain text and are edited by hand.
These four are made from the texts in this file, and the same texts always give
the same bytes. Run from the repository root:

    python eval/library_source.py            # writes into eval/library
    python eval/library_source.py --out DIR  # writes somewhere else

The texts use a small notation. Blocks are separated by an empty line:
``# Heading``, ``- list item``, ``| cell | cell |`` (a table, first row is the
header), and anything else is a paragraph whose lines are joined.
"""

from __future__ import annotations

import argparse
import io
import sys
import zipfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from xml.sax.saxutils import escape

from docx import Document
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import cm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    Flowable,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
    TableStyle,
)

LIBRARY = Path(__file__).resolve().parent / "library"
AUTHOR = "Footnote sample library"
ZIP_TIME = (2025, 1, 1, 0, 0, 0)
FRAME_PADDING = 6  # points that the page template keeps free around the text


@dataclass(frozen=True)
class Source:
    """One generated document: where it goes, what its metadata says, its text."""

    file: str
    title: str
    subject: str
    author: str
    written: datetime
    text: str


@dataclass(frozen=True)
class Block:
    """One block of a text. ``rows`` is only filled for tables."""

    kind: str
    text: str = ""
    rows: tuple[tuple[str, ...], ...] = ()


REGULATORS = Source(
    file="regulators-and-court-cases.pdf",
    title="Regulators and court cases",
    subject="Authorities and courts that have examined Microsoft and OpenAI",
    author=AUTHOR,
    written=datetime(2025, 11, 5, 9, 0),
    text="""
Survey of the authorities and courts that have examined the partnership between
Microsoft and OpenAI. State of knowledge: 5 November 2025.

# 1. Why authorities take an interest

A merger must be notified; a partnership usually need not be. The partnership between
Microsoft and OpenAI gave one company a large economic interest in another without a
purchase, and that is why it puzzled competition authorities on both sides of the
Atlantic. They asked three questions. Has Microsoft gained control or decisive
influence? Do exclusive terms keep rivals away from customers or from computing power?
And does the link between a cloud provider and a model maker make it harder for others
to enter either market?

Other bodies look at the products rather than at the companies. Data protection
offices ask where the training data came from, consumer authorities ask about false
statements, and courts ask who owns the words that a model has read.

# 2. United Kingdom

The Competition and Markets Authority invited comments on the partnership on 8
December 2023. The step came three weeks after the turmoil on the OpenAI board, during
which the influence of Microsoft had become visible to everyone. The inquiry took
fifteen months.

On 5 March 2025 the Competition and Markets Authority decided that the partnership did
not qualify for investigation under British merger rules. The Competition and Markets
Authority found that Microsoft had gained material influence over OpenAI in 2019 but had
never moved from influence to control. The authority stressed that the decision was no clean bill of
health on competition concerns.

A related case ended earlier. In September 2024 the same authority cleared the hiring
of the Inflection team by Microsoft, although it held that hiring a team could count as
a merger.

# 3. European Union

The European Commission said on 9 January 2024 that it was checking whether the
investment could be reviewed under the EU Merger Regulation. On 28 June 2024
Commissioner Margrethe Vestager announced that Microsoft had not acquired control of
OpenAI on a lasting basis, so that no merger review would follow. Margrethe Vestager
added that the Commission would ask further questions about the effect of certain
exclusivity clauses on rivals.

The EU AI Act entered into force on 1 August 2024. Duties for providers of
general-purpose models, OpenAI among them, began to apply on 2 August 2025. The
strictest duties concern models with systemic risk, which must be tested and whose
serious incidents must be reported.

# 4. Germany

The Federal Cartel Office announced on 15 November 2023 that the partnership was not
subject to German merger control at that time. The office explained that OpenAI had had
no substantial business in Germany when Microsoft first invested. The office said that
it might look again if Microsoft increased its influence.

# 5. United States

The Federal Trade Commission sent compulsory orders for information to Alphabet,
Amazon, Anthropic, Microsoft and OpenAI on 25 January 2024. Such orders serve a study
and are not an accusation. The staff report on that study appeared on 17 January 2025
and warned that cloud partnerships may lock developers in and give the cloud provider
access to sensitive information.

In June 2024 the press reported that two agencies had divided the field: the Federal
Trade Commission would look at Microsoft and OpenAI, and the Department of Justice
would look at Nvidia. In November 2024 the press reported a broad antitrust inquiry by
the Federal Trade Commission into Microsoft as a whole, from cloud licences to AI.

The same commission is also responsible for consumer protection. In July 2023 it asked
OpenAI for documents on false statements about real people and on a leak of payment
data. OpenAI said that it would cooperate.

The change of OpenAI into a public benefit corporation needed the goodwill of two
states. The attorneys general of California and Delaware said in October 2025 that they
would not oppose the new structure, after OpenAI had made commitments on safety and on
the power of the foundation.

# 6. Data protection

The Italian data protection authority blocked ChatGPT on 31 March 2023, the first such
step in a Western country. ChatGPT became available again in Italy on 28 April 2023,
after OpenAI had added notices and an age check. In December 2024 the Italian authority
imposed a fine of €15 million on OpenAI, which announced an appeal.

South Korea looked into a software error of March 2023 that had shown users the payment
details of others. In July 2023 the South Korean privacy commission fined OpenAI 3.6
million won because the data of 687 users in the country had been exposed.

# 7. Court cases

The New York Times sued OpenAI and Microsoft for copyright infringement on 27 December
2023. The newspaper says that millions of its articles were used for training and that
the models can repeat some of them nearly word for word. OpenAI and Microsoft answer
that training is fair use. The case was still open when this survey was written.

Elon Musk filed a new lawsuit against OpenAI in a federal court in August 2024, having
withdrawn an earlier one. In November 2024 Elon Musk extended the federal lawsuit to
Microsoft. He argues that OpenAI betrayed its charitable purpose for the benefit of its
largest investor; both companies deny it.

Writers have gone to court too. The Authors Guild and seventeen authors, among them
John Grisham and George R.R. Martin, sued OpenAI in New York in September 2023.
Programmers had sued GitHub, Microsoft and OpenAI over GitHub Copilot in San Francisco
as early as November 2022. Most claims in the GitHub Copilot case were dismissed by the
middle of 2024.

Courts outside the United States have begun to answer similar questions. Rules differ a
good deal: some countries allow text and data mining unless the owner objects, and
others leave everything to a general test of fairness.

# 8. What to watch

Three developments deserve attention in the coming year.

- Enforcement of the AI Act, since the Commission may impose fines on providers of
general-purpose models from August 2026.

- The copyright cases, because a judgment against fair use would change the cost of
training for every laboratory and not only for OpenAI.

- The effect of the October 2025 agreement. With fewer exclusive terms, the argument
that the partnership shuts out rivals has become weaker, and several authorities may
conclude that their questions have answered themselves.

Public pressure will not end with these cases. Activists and consumer groups ask for
models that are not only useful but also fair and open to inspection, and such demands
tend to become law a few years after they are first made.
""",
)

FENNIMORE = Source(
    file="fennimore-gate-note-march-2025.pdf",
    title="OpenAI and Azure: the bill is larger than it looks",
    subject="Illustrative analyst note, 14 March 2025",
    author="Fennimore Gate Advisors (fictional)",
    written=datetime(2025, 3, 14, 8, 30),
    text="""
Fennimore Gate Advisors, analyst note of 14 March 2025. Illustrative document:
Fennimore Gate Advisors is a fictional firm, and every estimate in this note is
invented for the sample library.

# Main points

Fennimore Gate Advisors estimates that OpenAI spent $9.4 billion on Azure computing in
calendar year 2024. This is well above what most models assume. We count training,
inference and the cost of experiments that never reached a customer, and we believe
that the last group is the one most often forgotten.

Fennimore Gate Advisors estimates that Microsoft 365 Copilot had 3.2 million paid seats
at the end of December 2024. Our figure rests on an invented survey of 120 purchasing
managers, who were asked how many licences they pay for and not how many are in use.

# Estimates in billion dollars

| Item | 2024 estimate | 2025 forecast |
| OpenAI spending on Azure computing | 9.4 | 13.0 |
| OpenAI revenue share paid to Microsoft | 0.8 | 2.1 |
| OpenAI spending on salaries | 1.3 | 1.9 |
| Azure revenue from other users of OpenAI models | 2.6 | 4.7 |

# Why it matters

Much of the money that Microsoft has put into OpenAI comes back as cloud revenue. The
circle is legal and common, but it makes the growth of Azure look less dependent on one
customer than it is. If OpenAI moved a third of its work elsewhere, we would expect the
growth rate of Azure to fall by about four percentage points for a year.

# Outlook

Fennimore Gate Advisors sees a 60 percent chance that more than half of OpenAI's
computing will run outside Azure by the end of 2027. The change announced in January
2025 opens the door, and new sites in Texas will pull work through it. We regard a
lasting quarrel as unlikely. Two companies that owe each other so much tend to settle.

# Risks to this view

A shortage of power and chips could slow the new sites and keep OpenAI on Azure for
longer. A drop in the price of inference would cut the bill in every scenario.
""",
)

TOLLAND = Source(
    file="tolland-quay-outlook-september-2025.docx",
    title="Outlook for the Microsoft-OpenAI partnership",
    subject="Illustrative research outlook, 16 September 2025",
    author="Tolland Quay Research (fictional)",
    written=datetime(2025, 9, 16, 10, 0),
    text="""
Tolland Quay Research, outlook of 16 September 2025. Illustrative document: Tolland
Quay Research is a fictional firm, and every estimate in this outlook is invented for
the sample library.

# Summary

The partnership will last, and it will become looser. Microsoft keeps pushing AI into
every product, while OpenAI has to weigh its own research plan against the wishes of
its largest backer. The open question is whether both can live with that difference
when the next contract is written. Tolland Quay Research expects that they can.

# What OpenAI spends

Tolland Quay Research estimates that OpenAI spent $7.1 billion on Azure computing in
calendar year 2024. Higher figures in circulation appear to count reserved capacity
that was never used. The table shows our estimates and forecasts.

| Year | Azure computing ($ billion) | Other computing ($ billion) | Salaries ($ billion) |
| 2023 | 2.2 | 0.0 | 0.5 |
| 2024 | 7.1 | 0.3 | 1.1 |
| 2025 | 9.8 | 4.4 | 2.0 |
| 2026 | 12.5 | 8.6 | 3.2 |
| 2027 | 16.0 | 14.5 | 4.1 |

Spending on Azure keeps rising in absolute terms in every year of the forecast. Its
share falls all the same, because new suppliers grow faster. Tolland Quay Research sees a
25 percent chance that more than half of OpenAI's computing will run outside Azure by
the end of 2027.

# What Microsoft earns

Tolland Quay Research estimates that Microsoft 365 Copilot had 1.9 million paid seats
at the end of December 2024. We count only seats that were billed in that month and
leave out trial licences and bundles. Renewal rates matter more than new sales from
here on, since most large firms have completed their first year.

# Three scenarios to the end of 2027

| Scenario | Probability | What happens |
| Gradual loosening | 55 percent | Contracts are renewed with fewer exclusive terms |
| Open dispute | 25 percent | The two sides go to arbitration over licences |
| Renewed closeness | 20 percent | Microsoft raises its stake and funds new sites |

# Points of friction

Ownership expectations head the list. Microsoft has paid for a great part of the
progress and would like its rights to be long and simple. Different cultures come
second, and different views on ethics and release dates come third. Tolland Quay
Research regards the competition for corporate customers as the most likely trigger of
an open dispute.

# What would change our mind

We would become more optimistic if both companies launched a joint product with one
sales team. We would become more cautious if a leading OpenAI model were missing from
Azure for more than six months.

# Conclusion

What Microsoft and OpenAI have done together has changed the industry, and no dispute
can undo that. How they manage their differences will influence the price of AI, the
choice of suppliers and the standards of safety far beyond the two companies.
""",
)

BOARD = Source(
    file="board-crisis-briefing-memo.docx",
    title="Briefing memo: the OpenAI board crisis of November 2023",
    subject="Memo to the reading group, 3 June 2024",
    author=AUTHOR,
    written=datetime(2024, 6, 3, 14, 0),
    text="""
To: Members of the reading group on technology partnerships. From: The librarian. Date:
3 June 2024. The memo is an illustrative format; the events it describes are public
record.

# Purpose of this memo

The five days in November 2023 are the best documented test of the relation between
Microsoft and OpenAI so far. This memo puts the events in order, names the people and
draws out what the episode says about influence without ownership.

# What happened

The board of OpenAI dismissed Sam Altman on 17 November 2023 and stated that he had not
been consistently candid with it. Mira Murati, the chief technology officer, was made
interim chief executive the same day. Greg Brockman was removed as chair of the board
and resigned from the company within hours.

Microsoft learned of the dismissal only minutes before the public did, according to
several press reports. For a company that had tied its product plans to OpenAI, the
surprise was as alarming as the decision.

Two days later the board chose a second interim head, Emmett Shear, who had co-founded
the streaming service Twitch. On 20 November 2023 Satya Nadella announced that Sam
Altman and Greg Brockman would lead a new research team at Microsoft. In an open letter
more than 700 members of staff threatened to quit and follow Sam Altman to Microsoft
unless the board stepped down.

OpenAI announced the return of Sam Altman on 22 November 2023. He took up his post again
without a seat on the board.

# The new board

Bret Taylor became chair of the new OpenAI board, beside Larry Summers and Adam
D'Angelo. Helen Toner, Tasha McCauley and Ilya Sutskever gave up their seats. On 29
November 2023 OpenAI said that Microsoft would join the board as a non-voting observer.

The law firm WilmerHale then examined the affair. In March 2024 WilmerHale concluded
that the conduct of Sam Altman had not required his removal. Sam Altman rejoined the
board together with three new directors: Sue Desmond-Hellmann, Nicole Seligman and Fidji
Simo.

# What the episode showed

- Money did not buy a warning. The largest investor had no vote and no right to be
consulted.

- Alternatives did buy influence. Because Microsoft held licences, computing power and
job offers, it could make the staff's threat credible within a weekend.

- Structure matters. A small non-profit board could remove the head of a company worth
tens of billions, and it was legally free to ignore the wishes of investors.

- People matter more. The board held all the formal power and lost the argument, since
nearly everyone who built the models was ready to leave.

# Questions for discussion

- Would a voting seat have made Microsoft safer, or only more exposed to regulators?

- Can a mission-driven board keep the power to stop a company that has become valuable?

- Which of the lessons apply to other partnerships between a cloud provider and a
laboratory?
""",
)


def parse(text: str) -> list[Block]:
    """Turn the notation described at the top of this file into blocks."""
    blocks: list[Block] = []
    for chunk in text.strip().split("\n\n"):
        lines = chunk.split("\n")
        if chunk.startswith("|"):
            rows = tuple(
                tuple(cell.strip() for cell in line.strip().strip("|").split("|")) for line in lines
            )
            blocks.append(Block("table", rows=rows))
            continue
        joined = " ".join(lines)
        for mark, kind in (("# ", "heading"), ("- ", "item")):
            if joined.startswith(mark):
                blocks.append(Block(kind, joined.removeprefix(mark)))
                break
        else:
            blocks.append(Block("paragraph", joined))
    return blocks


BODY = ParagraphStyle("body", fontName="Helvetica", fontSize=11, leading=16.5, spaceAfter=8)
TITLE = ParagraphStyle(
    "title", parent=BODY, fontName="Helvetica-Bold", fontSize=19, leading=24,
    spaceAfter=10,
)  # fmt: skip
HEADING = ParagraphStyle(
    "heading", parent=BODY, fontName="Helvetica-Bold", fontSize=12.5, leading=16,
    spaceBefore=9, spaceAfter=4, keepWithNext=1,
)  # fmt: skip
ITEM = ParagraphStyle("item", parent=BODY, leftIndent=14, bulletIndent=3, spaceAfter=4)
CELL = ParagraphStyle("cell", parent=BODY, fontSize=9.5, leading=12, spaceAfter=0)
CELL_HEAD = ParagraphStyle("cell-head", parent=CELL, fontName="Helvetica-Bold")


def pdf_table(rows: tuple[tuple[str, ...], ...], width: float) -> Table:
    """Lay out a table whose first column is twice as wide as the others."""
    unit = width / (len(rows[0]) + 1)
    cells = [
        [Paragraph(escape(cell), CELL if number else CELL_HEAD) for cell in row]
        for number, row in enumerate(rows)
    ]
    return Table(
        cells,
        colWidths=[2 * unit] + [unit] * (len(rows[0]) - 1),
        spaceAfter=10,
        style=TableStyle(
            [
                ("GRID", (0, 0), (-1, -1), 0.5, colors.grey),
                ("BACKGROUND", (0, 0), (-1, 0), colors.whitesmoke),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ]
        ),
    )


def write_pdf(source: Source, folder: Path) -> Path:
    """Write one PDF with a running header, a footer and a number on each page."""
    path = folder / source.file
    day = f"{source.written.day} {source.written:%B %Y}"

    def decorate(canvas: Canvas, doc: SimpleDocTemplate) -> None:
        left = doc.leftMargin + FRAME_PADDING
        right = A4[0] - doc.rightMargin - FRAME_PADDING
        canvas.setDateFormatter(lambda *_: f"D:{source.written:%Y%m%d%H%M%S}Z")
        canvas.saveState()
        canvas.setFont("Helvetica", 8.5)
        canvas.setFillGray(0.35)
        canvas.drawString(left, A4[1] - 1.4 * cm, source.title)
        canvas.drawRightString(right, A4[1] - 1.4 * cm, day)
        canvas.drawString(left, 1.2 * cm, source.author)
        canvas.drawRightString(right, 1.2 * cm, f"Page {doc.page}")
        canvas.restoreState()

    doc = SimpleDocTemplate(
        str(path),
        pagesize=A4,
        leftMargin=2.4 * cm,
        rightMargin=2.4 * cm,
        topMargin=2.3 * cm,
        bottomMargin=2.2 * cm,
        title=source.title,
        author=source.author,
        subject=source.subject,
        creator=AUTHOR,
        lang="en",
        invariant=1,
    )
    styles = {"heading": HEADING, "item": ITEM, "paragraph": BODY}
    flow: list[Flowable] = [Paragraph(escape(source.title), TITLE)]
    for block in parse(source.text):
        if block.kind == "table":
            flow.append(Spacer(1, 3))
            flow.append(pdf_table(block.rows, doc.width - 2 * FRAME_PADDING))
        else:
            bullet = "\u2022" if block.kind == "item" else None
            style = styles[block.kind]
            flow.append(Paragraph(escape(block.text), style, bulletText=bullet))
    doc.build(flow, onFirstPage=decorate, onLaterPages=decorate)
    return path


def write_docx(source: Source, folder: Path) -> Path:
    """Write one Word document with real heading, list and table styles."""
    document = Document()
    props = document.core_properties
    props.title, props.subject = source.title, source.subject
    props.author = props.last_modified_by = source.author
    props.created = props.modified = source.written
    props.comments, props.language, props.revision = "", "en", 1

    document.add_heading(source.title, level=0)
    for block in parse(source.text):
        if block.kind == "table":
            table = document.add_table(len(block.rows), len(block.rows[0]))
            table.style = "Table Grid"
            for row, cells in zip(table.rows, block.rows, strict=True):
                for cell, text in zip(row.cells, cells, strict=True):
                    cell.text = text
            document.add_paragraph()
        elif block.kind == "heading":
            document.add_heading(block.text, level=1)
        else:
            style = "List Bullet" if block.kind == "item" else None
            document.add_paragraph(block.text, style=style)

    raw = io.BytesIO()
    document.save(raw)
    path = folder / source.file
    with zipfile.ZipFile(raw) as parts, zipfile.ZipFile(path, "w") as out:
        for name in parts.namelist():
            entry = zipfile.ZipInfo(name, ZIP_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            out.writestr(entry, parts.read(name))
    return path


def main() -> None:
    """Write the four documents and print their names."""
    parser = argparse.ArgumentParser(description="Write the generated library files.")
    parser.add_argument("--out", type=Path, default=LIBRARY, help="target folder")
    folder: Path = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    for source in (REGULATORS, FENNIMORE, TOLLAND, BOARD):
        write = write_pdf if source.file.endswith(".pdf") else write_docx
        sys.stdout.write(f"{write(source, folder).name}\n")


if __name__ == "__main__":
    main()
