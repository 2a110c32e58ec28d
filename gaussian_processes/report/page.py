"""Page: the report as HTML, and each plot as SVG."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gaussian_processes.report import shades
from gaussian_processes.report.account import Account
from gaussian_processes.report.contents import Contents
from gaussian_processes.report.plot import Plot
from gaussian_processes.report.quantities import number, size

LIGHT = {
    "paper": "#ffffff",
    "ink": "#1b2430",
    "quiet": "#586474",
    "grid": "#e6e9ee",
    "axis": "#a3adb9",
    "point": "#2b6cb0",
    "missing": "#d4570b",
    "band": "#dce7f3",
    "bar": "#8fb3d9",
} | shades.colours(shades.LIGHT)
DARK = {
    "paper": "#14181d",
    "ink": "#e8ecf1",
    "quiet": "#a2adba",
    "grid": "#2a313a",
    "axis": "#5b6673",
    "point": "#6cb0f2",
    "missing": "#ff9a52",
    "band": "#22364c",
    "bar": "#3f6f9f",
} | shades.colours(shades.DARK)
HEADING = 34.0  # of a plot that stands alone


@dataclass(frozen=True)
class _Metric:
    name: str
    value: float
    description: str
    objective: bool


@dataclass(frozen=True)
class _Setting:
    name: str
    value: str
    default: str
    given: bool
    learned: str
    description: str


def page(account: Account, contents: Contents) -> str:
    """One file that needs no other: no script, no address."""
    return (
        templates_in()
        .get_template("page.html")
        .render(
            account=account,
            metrics=list(_metrics(account)),
            settings=list(_settings(account)),
            contents=contents,
            light=LIGHT,
            dark=DARK,
            colours={name: f"var(--{name})" for name in LIGHT},
            heading=0,
        )
    )


def standalone(plot: Plot) -> str:
    """SVG with a title and colours of its own."""
    template = templates_in().get_template("plot.svg")
    return template.render(plot=plot, figure=plot.figure, colours=LIGHT, heading=HEADING)


def templates_in(*folders: Path) -> Environment:
    """The templates of pages and plots: those in the folders, and below them the report's own."""
    templates = Environment(
        loader=FileSystemLoader((*folders, Path(__file__).parent)),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"number": number, "size": size}
    return templates


def _metrics(account: Account) -> Iterator[_Metric]:
    declared = {metric.name: metric for metric in account.declared}
    better = {"minimize": "; lower is better", "maximize": "; higher is better", None: ""}
    for name, value in account.metrics.items():
        metric = declared.get(name)
        description = metric.description + better[metric.direction] if metric else ""
        yield _Metric(name, value, description, name == account.objective)


def _settings(account: Account) -> Iterator[_Setting]:
    defaults = account.defaults
    fields = type(account.hyperparameters).model_fields
    for name, value in account.hyperparameters.model_dump().items():
        yield _Setting(
            name,
            _shown(value),
            "must be given" if fields[name].is_required() else _shown(defaults[name]),
            name in account.hyperparameters.model_fields_set,
            number(account.learned[name]) if name in account.learned else "",
            fields[name].description or "",
        )
    for name in [name for name in account.learned if name not in fields]:
        yield _Setting(name, "", "", given=False, learned=number(account.learned[name]), description="")


def _shown(value: Any) -> str:
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value))
    return "not set" if value is None else str(value)
