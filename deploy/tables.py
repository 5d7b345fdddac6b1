"""Tables as text, in columns for a terminal and in Markdown."""

from collections.abc import Iterable, Sequence


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Returns one line per row, with the columns aligned. The first row may be a header."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def rows(cells: Iterable[Sequence[str]]) -> str:
    """Returns the body of a Markdown table, one line per row. Cells may contain pipes and line feeds."""
    escaped = ([" ".join(cell.split()).replace("|", "\\|") for cell in row] for row in cells)
    return "\n".join(f"| {' | '.join(row)} |" for row in escaped)


def table(header: Sequence[str], cells: Iterable[Sequence[str]]) -> str:
    """Returns a Markdown table."""
    return "\n".join([rows([header, ["---"] * len(header)]), rows(cells)])


def aligned(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns a Markdown table with aligned columns; all except the first are aligned to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(_line(row, widths) for row in (header, rule, *rows))


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (
        cell.rjust(width) if column else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    )
    return f"| {' | '.join([first, *others])} |"
