"""The comparison as an image: accuracy over the cost of training."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attention_ocr.io.extras import extra

with extra("plots", "Drawing the plot"):
    from matplotlib.figure import Figure


def draw(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw what each variant reads, with its interval, in the order of the table.

    Args:
        rows: Rows of the table, see `__main__`.
        path: Path of the PNG.
    """
    figure = Figure(figsize=(9, 0.36 * len(rows) + 1.6), layout="constrained")
    axes = figure.subplots()
    places = range(len(rows))
    for label, column, interval, shift, color in (
        ("rendered words, exact", "rendered %", "95 %", -0.18, "tab:blue"),
        ("real words, letters and digits", "real %", "real 95 %", 0.18, "tab:orange"),
    ):
        if rows[0][column] is None:
            continue
        values = [row[column] for row in rows]
        ends = [tuple(map(float, row[interval].split(" to "))) for row in rows]
        errors = [
            [max(0.0, value - low) for value, (low, _) in zip(values, ends, strict=True)],
            [max(0.0, high - value) for value, (_, high) in zip(values, ends, strict=True)],
        ]
        heights = [place + shift for place in places]
        axes.barh(heights, values, 0.34, xerr=errors, label=label, color=color, ecolor="black")
    axes.set_yticks(
        list(places), [f"{row['variant']} ({row['train CPU ms']:.0f} CPU ms)" for row in rows]
    )
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel("words read right, %, after the same processor time; cost of a training image")
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=110)
