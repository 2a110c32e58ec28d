"""Rows: those of a forecast that are drawn, as the columns of a table that all plots of a page share."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
from scipy.special import erf

from gaussian_processes.data.dataset import Dataset
from gaussian_processes.report.plot import Spec, Table, column, drawn, specification
from gaussian_processes.report.predictions import BAND, Predictions
from gaussian_processes.report.quantities import number, titled

LISTED = 20  # rows in a table on the page


@dataclass(frozen=True, eq=False)
class Rows:
    """The drawn rows.

    Attributes:
        predictions: of these rows.
        target: the target's name.
        file: (N,), the name of the file that each comes from; None where that is unknown.
        line: (N,), the line in it, from 1: a header line counts, and empty lines do not.
    """

    predictions: Predictions
    target: str
    file: Sequence[str] | None
    line: Sequence[int] | None

    @classmethod
    def of(cls, predictions: Predictions, target: str, dataset: Dataset | None) -> "Rows":
        """Rows of a channel, if it is known."""
        if dataset is None:
            return cls(predictions, target, None, None)
        ends = list(accumulate(source.rows for source in dataset.sources))
        places = np.searchsorted(ends, predictions.rows, side="right").tolist()
        sources = [dataset.sources[place] for place in places]
        found = zip(predictions.rows.tolist(), places, sources, strict=True)
        lines = [row - ends[place] + source.rows + 1 + source.header for row, place, source in found]
        return cls(predictions, target, [source.name for source in sources], lines)

    @property
    def columns(self) -> dict[str, Sequence[Any]]:
        """Everything that a plot shows of them: `row` counts from 1 within the channel."""
        p, z = self.predictions, self.predictions.standardised
        found: dict[str, Sequence[Any]] = {"row": (p.rows + 1).tolist()}
        if self.file and self.line:
            found |= {"file": self.file, "line": self.line}
        found |= {"actual": column(p.target), "mean": column(p.mean), "residual": column(p.residual)}
        found["weight"] = column(p.weight)
        if p.std is None or z is None:
            return found | {"outcome": ["predicted"] * len(p)}
        reach = BAND * np.minimum(p.std, 1e307)
        level = erf(np.abs(z) / np.sqrt(2.0))  # of the narrowest central interval that holds the target
        outcome = np.where(np.abs(z) <= BAND, "in its interval", "outside").tolist()
        found |= {"low": column(p.mean - reach), "high": column(p.mean + reach), "outcome": outcome}
        return found | {"z": column(z), "level": column(level)}

    @property
    def looks(self) -> dict[str, Any]:
        """Values of the specifications that draw them: colour, size and tooltip."""
        p = self.predictions
        kinds = {"title": None, "orient": "top", "values": ["in its interval", "outside"], "symbolOpacity": 1}
        colour = specification("outcome", legend=None if p.std is None else kinds)
        words = {"actual": f"Actual {self.target}", "mean": f"Predicted {self.target}", "residual": "Residual"}
        if p.std is not None:
            words |= {"low": "95 % interval from", "high": "95 % interval to"}
        tooltip: list[Spec] = [{"field": "row", "title": "Row"}]
        tooltip += [{"field": name, "title": name.capitalize()} for name in ("file", "line") if self.file]
        tooltip += [
            {"field": name, "type": "quantitative", "title": titled(title, p.exponent), "format": ",.6~g"}
            for name, title in words.items()
        ]
        if p.std is not None:
            tooltip.append({"field": "z", "type": "quantitative", "title": "Standard deviations", "format": ".3~g"})
        size = 36 if len(p) <= 500 else 16
        return {"colour": colour, "size": size, "tooltip": tooltip}

    @property
    def largest(self) -> Table:
        """Those with the largest residuals."""
        p = self.predictions
        which = np.argsort(-p.surprise, kind="stable")[:LISTED].tolist()
        cells = {"Row": [f"{p.rows[i] + 1:,}" for i in which]}
        if self.file and self.line:
            cells |= {"File": [self.file[i] for i in which], "Line": [f"{self.line[i]:,}" for i in which]}
        numbers = {f"Actual {self.target}": p.target, f"Predicted {self.target}": p.mean, "Residual": p.residual}
        if p.std is not None:
            numbers["Standard deviation"] = p.std
        cells |= {
            titled(name, p.exponent): [number(drawn(values[i]) or 0.0) for i in which]
            for name, values in numbers.items()
        }
        return Table(tuple(cells), list(zip(*cells.values(), strict=True)))
