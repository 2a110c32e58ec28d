"""Page: the report as HTML, which Vega's scripts draw in a browser without a network."""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gaussian_processes.report.account import Account
from gaussian_processes.report.contents import contents_of
from gaussian_processes.report.plot import Plot, specification
from gaussian_processes.report.quantities import duration, number, share, size

HERE = Path(__file__).parent
VEGA = HERE / "vega"


@dataclass(frozen=True)
class Drawing:
    """The parts of a page that the templates take as they are.

    Attributes:
        data: JSON, in which no `<` stands.
        scripts: JavaScript, in the order in which it runs.
        licences: of the scripts.
        policy: the page's content security policy: it runs these scripts and no others, and loads nothing.
    """

    data: str
    scripts: tuple[str, ...]
    licences: str
    policy: str

    @classmethod
    def of(cls, plots: Sequence[Plot], name: str, columns: Mapping[str, Sequence[Any]]) -> "Drawing":
        """Of plots that share a table, which their specifications know by its name; without scripts where none is drawn."""
        specs = {plot.name: plot.spec for plot in plots if plot.spec}
        page = {"plots": specs, "name": name, "columns": columns, "theme": specification("theme")}
        data = json.dumps(page, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
        names = [*(VEGA / one["file"] for one in vega_scripts().values()), HERE / "plots.js"] if specs else []
        scripts = tuple(name.read_text(encoding="utf-8") for name in names)
        hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
        allowed = " ".join(f"'sha256-{one}'" for one in hashes) or "'none'"
        policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {allowed}"
        return cls(data, scripts, (VEGA / "LICENSES.txt").read_text(encoding="utf-8"), policy)


def vega_scripts() -> dict[str, dict[str, str]]:
    """Version, file, licence and SHA-256 of each of Vega's scripts, in the order in which they run."""
    return dict(json.loads((VEGA / "scripts.json").read_bytes()))


def page(account: Account) -> str:
    """One file that needs no other, and no network."""
    contents = contents_of(account)
    template = templates_in().get_template("page.html")
    return template.render(
        account=account,
        metrics=list(_metrics(account)),
        settings=list(_settings(account)),
        contents=contents,
        total=sum(account.timings.values()),
        drawing=Drawing.of((*contents.predictions, *contents.chosen), "rows", contents.rows),
    )


def templates_in(*folders: Path) -> Environment:
    """The templates of pages: those in the folders, and below them the report's own."""
    templates = Environment(
        loader=FileSystemLoader((*folders, HERE)),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"number": number, "size": size, "duration": duration, "share": share}
    return templates


def _metrics(account: Account) -> Iterator[dict[str, Any]]:
    declared = {metric.name: metric for metric in account.declared}
    better = {"minimize": "; lower is better", "maximize": "; higher is better", None: ""}
    for name, value in account.metrics.items():
        metric = declared.get(name)
        description = metric.description + better[metric.direction] if metric else ""
        yield {"name": name, "value": value, "description": description, "objective": name == account.objective}


def _settings(account: Account) -> Iterator[dict[str, Any]]:
    """What was given, what would have been without it, and what was learned; what is only learned comes last."""
    h, fields = account.hyperparameters, type(account.hyperparameters).model_fields
    given = h.model_dump()
    for name in dict.fromkeys([*given, *account.learned]):
        known = fields.get(name)
        default = "must be given" if known and known.is_required() else _shown(account.defaults.get(name))
        yield {
            "name": name,
            "value": _shown(given[name]) if known else "",
            "default": default if known else "",
            "given": name in h.model_fields_set,
            "learned": number(account.learned[name]) if name in account.learned else "",
            "description": (known.description if known else None) or "",
        }


def _shown(value: Any) -> str:
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value))
    return "not set" if value is None else str(value)
