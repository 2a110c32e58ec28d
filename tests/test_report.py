"""The report: its numbers against other libraries' or by hand, its page in a browser, and data that are hard to draw."""

import json
import math
import re
import struct
import subprocess
import sys
import zlib
from html.parser import HTMLParser
from itertools import pairwise
from typing import Annotated, Literal

import figures
import numpy as np
import pytest
from browser import visit
from pydantic import BaseModel, Field
from scipy import stats

from gaussian_processes.algorithm import Comparison, Forecast, Metric, Variant
from gaussian_processes.report.account import Account, Channel
from gaussian_processes.report.calibration import Calibration
from gaussian_processes.report.figure import breadth
from gaussian_processes.report.page import standalone
from gaussian_processes.report.quantities import number
from gaussian_processes.report.rows import learned_hyperparameters
from gaussian_processes.report.writing import write_report

PREDICTION_PLOTS = ["predicted_against_actual.png", "residuals.png", "calibration.png"]
inf, nan = math.inf, math.nan


class Hyperparameters(BaseModel):
    """Of each kind that there is."""

    order: Annotated[int, Field(description="order of the kernel")] = 1
    noise: Annotated[float, Field(description="noise variance")] = 0.1
    scaling: Literal["none", "standard"] = "none"
    label: str = "plain"
    power: float | None = None


METRICS = (
    Metric("train:N", None, "training rows"),
    Metric("validation:R2", "maximize", "share of the variance explained"),
    Metric("validation:RMSE", "minimize", "root mean square error"),
)


def forecast(rows=100, spread=1.0):
    """Draws whose standard deviations are right when `spread` is 1."""
    generator = np.random.default_rng(7)
    mean, std = generator.normal(size=rows), generator.uniform(0.5, 2.0, size=rows)
    return Forecast(mean + spread * std * generator.normal(size=rows), mean, std)


def account(**changes):
    """A job's account, with what a test wants otherwise."""
    told = {
        "algorithm": "arc-cosine-gaussian-process",
        "version": "0.1.0",
        "job": "a-job",
        "hyperparameters": Hyperparameters(order=2, scaling="standard"),
        "declared": METRICS,
        "metrics": {"train:N": 342.0, "validation:R2": 0.37994517180972687, "validation:RMSE": 55.85240874167336},
        "objective": "validation:RMSE",
        "timings": {"reading": 0.25, "fit": 0.5, "evaluation": 0.25},
        "peak_memory": 412_000_000,
        "threads": 2,
        "versions": {"Python": "3.13.5", "NumPy": "2.4.6"},
        "channels": {
            "training": Channel(342, 10, ("a.csv", "b.csv"), "sha256:0123"),
            "validation": Channel(100, 10, ("c.csv",), "sha256:4567"),
        },
        "forecast": forecast(),
    }
    return Account(**told | changes)


def write(tmp_path, **changes):
    """A report in a folder of its own: its files by name, and its page."""
    paths = write_report(account(**changes), tmp_path / "report")
    return {path.name: path for path in paths}, (tmp_path / "report" / "report.html").read_text(encoding="utf-8")


COMPARISON = Comparison(
    "log evidence",
    tuple(
        Variant({"order": order, "depth": depth}, nan if order == depth else -float(order + 3 * depth))
        for order in range(3)
        for depth in range(2)
    ),
    {"order": 2, "depth": 0},
)


class Parsed(HTMLParser):
    """What a page is made of."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text = [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text.append(data)


def words(page):
    """A page's text, without its style sheet, in one line."""
    return " ".join(" ".join(Parsed(page.partition("<body>")[2]).text).split())


def drawn(path):
    """Where a PNG file differs from its surroundings, (height, width): PNG stores only that of each pixel."""
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    at, chunks = 8, []
    while at < len(content):
        length, kind = struct.unpack(">I4s", content[at : at + 8])
        body, checksum = content[at + 8 : at + 8 + length], content[at + 8 + length : at + 12 + length]
        assert struct.unpack(">I", checksum)[0] == zlib.crc32(kind + body)
        chunks.append((kind, body))
        at += 12 + length
    assert [kind for kind, _ in chunks][:1] == [b"IHDR"]
    assert [kind for kind, _ in chunks][-1:] == [b"IEND"]
    width, height, depth, colours, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[0][1])
    assert (depth, colours, interlaced) == (8, 6, 0)
    rows = zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"))
    differences = np.frombuffer(rows, np.uint8).reshape(height, 1 + 4 * width)[:, 1:]
    return differences.reshape(height, width, 4).any(axis=2)


def test_a_report_is_a_document_pictures_and_a_page(tmp_path):
    """The page comes last: where it is, all the rest is there."""
    files, _ = write(tmp_path)
    assert list(files) == ["metrics.json", *PREDICTION_PLOTS, "timings.png", "report.html"]
    assert sorted(path.name for path in (tmp_path / "report").iterdir()) == sorted(files)


def test_the_document_says_what_the_job_did(tmp_path):
    """Everything but the forecast, under the account's own names."""
    files, _ = write(tmp_path, columns=("y", "x"))
    assert json.loads(files["metrics.json"].read_text()) == {
        "algorithm": "arc-cosine-gaussian-process",
        "version": "0.1.0",
        "job": "a-job",
        "metrics": {"train:N": 342.0, "validation:R2": 0.37994517180972687, "validation:RMSE": 55.85240874167336},
        "objective": "validation:RMSE",
        "hyperparameters": {"order": 2, "noise": 0.1, "scaling": "standard", "label": "plain", "power": None},
        "defaults": {"order": 1, "noise": 0.1, "scaling": "none", "label": "plain", "power": None},
        "given": ["order", "scaling"],
        "learned": {},
        "warnings": [],
        "comparison": None,
        "timings": {"reading": 0.25, "fit": 0.5, "evaluation": 0.25},
        "peak_memory": 412_000_000,
        "threads": 2,
        "versions": {"Python": "3.13.5", "NumPy": "2.4.6"},
        "channels": {
            "training": {"rows": 342, "features": 10, "files": ["a.csv", "b.csv"], "fingerprint": "sha256:0123"},
            "validation": {"rows": 100, "features": 10, "files": ["c.csv"], "fingerprint": "sha256:4567"},
        },
        "columns": ["y", "x"],
        "forecast_of": "validation channel",
    }


def test_numbers_that_json_cannot_say_are_null(tmp_path):
    """On the page they are said in words."""
    metrics = {"train:N": np.float64(3.0), "validation:R2": nan, "validation:RMSE": inf}
    files, page = write(tmp_path, metrics=metrics, learned={"noise": -inf})
    document = json.loads(files["metrics.json"].read_text(), parse_constant=pytest.fail)
    assert document["metrics"] == {"train:N": 3.0, "validation:R2": None, "validation:RMSE": None}
    assert document["learned"] == {"noise": None}
    assert words(page).count("not finite") == 3


def test_the_document_says_what_was_compared(tmp_path):
    """Every variant, in the order in which they were tried; None for what has no value."""
    files, _ = write(tmp_path, comparison=COMPARISON)
    assert json.loads(files["metrics.json"].read_text(), parse_constant=pytest.fail)["comparison"] == {
        "criterion": "log evidence",
        "chosen": {"order": 2, "depth": 0},
        "variants": [
            {"settings": {"order": 0, "depth": 0}, "value": None},
            {"settings": {"order": 0, "depth": 1}, "value": -3.0},
            {"settings": {"order": 1, "depth": 0}, "value": -1.0},
            {"settings": {"order": 1, "depth": 1}, "value": None},
            {"settings": {"order": 2, "depth": 0}, "value": -2.0},
            {"settings": {"order": 2, "depth": 1}, "value": -5.0},
        ],
    }


@pytest.mark.parametrize("name", [*PREDICTION_PLOTS, "comparison.png", "timings.png"])
def test_the_pictures_show_something(tmp_path, name):
    """In every part; the title's letters are there, though no font of the machine is used."""
    files, _ = write(tmp_path, comparison=COMPARISON)
    marks = drawn(files[name])
    assert marks.shape[1] == 880
    assert marks[100:].any(axis=1).mean() > 0.4
    assert marks[:, 100:].any(axis=0).mean() > 0.5
    heading = marks[10:60, 28:700]
    assert 50 < heading.any(axis=0).sum() < 600


def test_the_page_needs_nothing_but_itself(tmp_path):
    """No script, no reference, no address but the name of SVG's language."""
    _, page = write(tmp_path)
    parsed = Parsed(page)
    assert not {"script", "img", "iframe", "object", "embed", "base"} & {tag for tag, _ in parsed.tags}
    references = [
        (tag, key, value) for tag, attributes in parsed.tags for key, value in attributes.items() if ":" in value
    ]
    allowed = {("svg", "xmlns", "http://www.w3.org/2000/svg"), ("link", "href", "data:,")}
    assert {found for found in references if found[1] not in ("aria-label", "style")} <= allowed
    assert not re.search(r"https?:|@import|url\(", page.replace("http://www.w3.org/2000/svg", ""))


def test_the_page_can_be_read_without_eyes(tmp_path):
    """A language, a title, headings that skip no level, and words for each picture."""
    _, page = write(tmp_path, learned={"noise": 0.2}, comparison=COMPARISON)
    tags = Parsed(page).tags
    assert ("html", {"lang": "en"}) in tags
    assert "<title>Training report: a-job</title>" in page
    levels = [int(tag[1]) for tag, _ in tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    labels = [attributes["aria-label"] for tag, attributes in tags if tag == "svg"]
    assert len(labels) == 6
    assert all(len(label) > 30 for label in labels)
    assert all(attributes["role"] == "img" for tag, attributes in tags if tag == "svg")
    assert all(attributes["scope"] in ("row", "col") for tag, attributes in tags if tag == "th")


def test_the_page_says_what_the_job_did(tmp_path):
    """In the order of the account."""
    _, page = write(tmp_path, columns=("weight", "height", "age"))
    said = words(page)
    for text in (
        "arc-cosine-gaussian-process Version 0.1.0, job a-job",
        "train:N training rows 342",
        "validation:R2 share of the variance explained; higher is better 0.379945",
        "validation:RMSE objective root mean square error; lower is better 55.8524",
        "Actual weight",
        "order given order of the kernel 2 1",
        "noise noise variance 0.1 0.1",
        "power not set not set",
        "500 ms (50 %)",
        "Of 1 s in all, fit took 50 %.",
        "training a.csv, b.csv fingerprint sha256:0123 342 10",
        "Target: weight . Features: height , age .",
        "Threads 2 Peak memory 412 MB Python 3.13.5 NumPy 2.4.6",
    ):
        assert text in said
    assert "Learned" not in said
    assert "Variants" not in said


def test_the_page_says_what_was_compared(tmp_path):
    """A picture beside that of what was learned, which leaves out what was compared."""
    files, page = write(tmp_path, comparison=COMPARISON, learned={"order": 2.0, "depth": 0.0, "noise": 0.2})
    assert list(files)[4:6] == ["comparison.png", "learned_hyperparameters.png"]
    said = words(page)
    assert (
        "Of 6 variants, order = 1, depth = 0 has the best log evidence, −1; the second, order = 2, depth = 0, is 1.0 nats "
        "behind. Chosen was order = 2, depth = 0, which is 1.0 nats behind: it was better after its other "
        "hyperparameters were learned. 2 variants could not be computed." in said
    )
    assert "1 hyperparameter was learned from the training channel." in said
    assert "depth 0 " in said.partition("Learned")[2]  # the table has all of them
    assert said.index("Variants by log evidence") < said.index("Learned hyperparameters")
    assert 'class="figures pair"' in page


@pytest.mark.parametrize("spread", [0.3, 1.0, 3.0], ids=lambda spread: f"spread-{spread}")
@pytest.mark.parametrize("rows", [1, 10, 1000])
def test_calibration_counts_as_scipy_does(rows, spread):
    """Coverage by SciPy's intervals, one by one; the band by its binomial distribution."""
    f = forecast(rows, spread)
    found = Calibration.of((f.target - f.mean) / f.std)
    for level, observed, low, high in zip(found.level, found.observed, found.low, found.high, strict=True):
        begin, end = stats.norm.interval(level, f.mean, f.std)
        assert observed == np.mean((begin <= f.target) & (f.target <= end))
        assert (low * rows, high * rows) == pytest.approx(stats.binom.interval(0.95, rows, level), abs=1e-9)


def test_the_captions_say_this_job_s_numbers(tmp_path):
    """Errors, residuals and coverage, computed here from the definition."""
    f = forecast(100, spread=1.5)
    _, page = write(tmp_path, forecast=f)
    residual = f.target - f.mean
    held = int(np.sum(np.abs(residual) <= stats.norm.ppf(0.975) * f.std))
    low, high = stats.binom.interval(0.95, 100, 0.95)
    said = words(page)
    assert f"root mean square distance to it is {math.sqrt(np.mean(residual**2)):.3g}, and {held} of the" in said
    assert f"have mean {residual.mean():.3g} and standard deviation {residual.std():.3g}, and {held} % of" in said
    assert held < low
    assert (
        f"{held} % hold their target, fewer than chance allows: they are too narrow ({low:.0f} % to {high:.0f} %)"
        in said
    )


@pytest.mark.parametrize(
    ("spread", "verdict"), [(1.0, "which chance allows"), (0.1, "they are too wide"), (5.0, "they are too narrow")]
)
def test_the_verdict_on_intervals_follows_from_chance(tmp_path, spread, verdict):
    """Right ones, and ones that are ten times too wide or five times too narrow."""
    _, page = write(tmp_path, forecast=forecast(500, spread))
    assert verdict in words(page)


def test_markup_in_what_a_user_named_stays_text(tmp_path):
    """In hyperparameters, columns, jobs, channels and files."""
    attack = "<script>alert('x')</script><img src=x onerror=y>\" onload=\"z"
    _, page = write(
        tmp_path,
        job=attack,
        hyperparameters=Hyperparameters(label=attack),
        columns=(attack, attack + "\x00"),
        channels={attack: Channel(1, 1, (attack,), attack)},
        timings={attack: 1.0},
        learned={attack: 1.0},
        comparison=Comparison(attack, (Variant({attack: attack}, 1.0), Variant({attack: 2}, nan)), {attack: attack}),
        versions={attack: attack},
    )
    parsed = Parsed(page)
    assert not {"script", "img"} & {tag for tag, _ in parsed.tags}
    assert not {"onload", "onerror"} & {key for _, attributes in parsed.tags for key in attributes}
    assert words(page).count("alert('x')") >= 7


ramp = np.linspace(-1.0, 1.0, 20)


@pytest.mark.parametrize(
    ("hard", "pictures", "said"),
    [
        (Forecast(np.array([3.0]), np.array([2.5]), np.array([0.4])), 3, "Over 1 row (validation channel), the"),
        (Forecast(np.zeros(1), np.zeros(1), np.zeros(1)), 3, "100 % hold their target"),
        (Forecast(np.full(9, 7.0), np.full(9, 7.0), np.full(9, 0.1)), 3, "distance to it is 0, and 9 of"),
        (Forecast(ramp, ramp + 0.5, np.zeros(20)), 3, "0 of the intervals (0 %)"),
        (Forecast(1.7e308 * ramp, 1.6e308 * ramp, np.full(20, 1e308)), 3, "× 10³⁰⁸"),
        (Forecast(1e-300 * ramp, 1.1e-300 * ramp, np.full(20, 1e-301)), 3, "× 10⁻³⁰⁰"),
        (Forecast(np.array([5e-324, 1e-323]), np.zeros(2), np.full(2, 5e-324)), 3, "× 10⁻³²⁴"),
        (Forecast(ramp, ramp, np.where(ramp > 0, 1e300, 1e-300)), 3, "20 of the intervals"),
        (Forecast(np.zeros(1), np.zeros(1), np.full(1, 1.7e308)), 3, "1 of the intervals"),
        (Forecast(np.full(2, 1e-300), np.full(2, 1e-300), np.full(2, 1e300)), 3, "2 of the intervals"),
        (Forecast(1e16 + 2 * np.arange(5.0), 1e16 + 2 * np.arange(5.0), np.ones(5)), 3, "× 10¹⁶"),
        (Forecast(ramp, ramp, np.where(ramp > 0.9, inf, 1.0)), 3, "1 of the 20 rows have no finite prediction and"),
        (Forecast(ramp, np.where(ramp > 0.9, nan, ramp)), 2, "1 of the 20 rows have no finite prediction, and"),
        (Forecast(ramp, ramp), 2, "no standard deviations"),
        (Forecast(ramp, np.full(20, inf), np.ones(20)), 0, "None of the 20 rows"),
        (None, 0, "no forecast"),
    ],
    ids=[
        "one point", "one exact point", "equal targets", "no spread", "huge", "tiny", "denormal", "mixed spreads",
        "huge spread at zero", "huge spread at nearly zero", "beyond integers", "infinite spread", "a mean that is none", "means only", "infinite means", "nothing",
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_left_out_and_said(tmp_path, hard, pictures, said):
    """No coordinate is anything but a number, and the page says what is missing."""
    files, page = write(tmp_path, forecast=hard)
    assert [name for name in files if name in PREDICTION_PLOTS] == PREDICTION_PLOTS[:pictures]
    assert said in words(page)
    coordinates = [
        value
        for tag, attributes in Parsed(page).tags
        if tag in ("circle", "path", "text", "svg")
        for key, value in attributes.items()
        if key in ("d", "cx", "cy", "x", "y", "viewbox")
    ]
    assert coordinates
    assert not [value for value in coordinates if re.search("nan|inf|e", value)]


def test_many_points_are_drawn_by_a_sample_and_counted_in_full(tmp_path):
    """The same sample each time; the caption says so; calibration is that of all rows."""
    f = forecast(7000)
    _, page = write(tmp_path, forecast=f)
    _, again = write(tmp_path, forecast=f)
    assert page == again
    points = sum(group.count("<circle") for group in re.findall(r'<g class="(?:missing )?point">.*?</g>', page))
    assert points == 2 * 2000 + 20  # two plots of points, and the levels of calibration
    said = words(page)
    assert said.count("2,000 of them, chosen at random, are drawn as points.") == 2
    assert "the 95 % intervals of 7,000 rows (validation channel), " in said


@pytest.mark.parametrize(
    "learned",
    [
        {"noise": 0.031, "order": 2.5, "added": 12.0},
        {"noise": 0.1},
        {"noise": -4.0, "added": 1e300},
        {f"length_{i}": 10.0**i for i in range(60)},
    ],
    ids=["few", "one", "negative and huge", "many"],
)
def test_learned_hyperparameters_have_a_column_and_a_plot(tmp_path, learned):
    """With their values beside what learning began with."""
    files, page = write(tmp_path, learned=learned)
    assert drawn(files["learned_hyperparameters.png"]).shape[1] == 880
    said = words(page)
    assert "Default Learned" in said
    for name, value in learned.items():
        assert re.search(rf"{name} .*{re.escape(f'{value:.6g}')}|{name} .*{value:,.0f}", said)


def learned_plot(learned):
    """As a tree, and how far to the right each learned value stands, from the top."""
    svg = next(
        figures.Parsed(
            standalone(learned_hyperparameters(learned, {"noise": 0.1, "bias": 0.0, "flag": True}))
        ).root.all("svg")
    )
    return svg, [x for x, _ in sorted(figures.circles(svg, "point"), key=lambda point: point[1])]


def test_many_learned_hyperparameters_over_many_decades_can_be_told_apart():
    """Each on a line of its own, at its logarithm, with its value; a value given as 0 has none, and is left out."""
    exponents = np.random.default_rng(5).uniform(-5.0, 5.0, 34)
    names = ["noise", "variance", "bias", "degree", *(f"lengthscale_{i}" for i in range(1, 31))]
    learned = dict(zip(names, (10.0**exponents).tolist(), strict=True))
    svg, across = learned_plot(learned)
    slope, offset = np.polyfit(exponents, across, 1)
    assert slope > 20.0
    assert np.abs(slope * exponents + offset - across).max() < 0.1
    assert len(figures.circles(svg, "start")) == 1
    lines = {text.text: float(text.attributes["y"]) for text in svg.all("text") if text.text in learned}
    assert list(lines) == names
    assert min(np.diff(list(lines.values()))) >= 16.0
    for name, value in learned.items():
        (y,) = [float(text.attributes["y"]) for text in svg.all("text", "value") if text.text == number(value)]
        assert y == pytest.approx(lines[name], abs=0.1)
    left, top, right, bottom = figures.box_of(svg)
    assert bottom - top < 2.0 * (right - left)
    for text in svg.all("text", "value"):
        assert float(text.attributes["x"]) + breadth(text.text) <= right


def test_a_learned_zero_has_its_number_and_no_point():
    """The others keep an axis on which they can be told apart."""
    svg, across = learned_plot({"a": 0.0, "b": 1e-4, "c": 1.0, "noise": 1e4})
    assert len(across) == 3
    assert np.ptp(np.diff(across)) < 0.2
    assert "what is 0 has no place on this axis" in svg.text
    assert [text.text for text in svg.all("text", "value")] == ["0", "0.0001", "1", "10,000"]


def test_where_no_beginning_is_known_none_is_spoken_of():
    """Neither in the legend nor in the words."""
    assert "before" in learned_plot({"noise": 0.2})[0].text
    svg, _ = learned_plot({"lengthscale_1": 0.2, "flag": 3.0})
    assert not {"before", "began"} & set(re.findall(r"\w+", svg.text))


def test_several_values_of_a_hyperparameter_are_listed(tmp_path):
    """As they were given, without Python's brackets."""

    class Several(BaseModel):
        orders: tuple[int, ...] = (0, 1, 2)
        names: tuple[str, ...] = ("a",)

    _, page = write(tmp_path, hyperparameters=Several(orders=(3, 4)))
    assert "orders given 3, 4 0, 1, 2 names a a" in words(page)


def test_no_plot_of_an_earlier_report_stays(tmp_path):
    """A picture beside a page that does not show it would be believed."""
    write(tmp_path, learned={"noise": 0.2}, comparison=COMPARISON)
    files, _ = write(tmp_path, forecast=None)
    assert sorted(path.name for path in (tmp_path / "report").iterdir()) == sorted(files)


def test_what_draws_is_loaded_when_a_report_is_made():
    """A job that ends before its report does not wait for it."""
    code = (
        "import sys, gaussian_processes.report.account, gaussian_processes.report.writing;"
        "print({'jinja2', 'resvg_py', 'scipy'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


WINDOWS = [(400, "light"), (1400, "light"), (400, "dark"), (1400, "dark")]


@pytest.fixture(scope="module")
def visited(tmp_path_factory):
    """The page in a browser, in windows of all kinds."""
    folder = tmp_path_factory.mktemp("visit")
    files, _ = write(folder, learned={"noise": 0.2}, comparison=COMPARISON)
    return visit(files["report.html"], folder, WINDOWS)


def test_a_browser_shows_the_metrics_and_every_plot(visited):
    """In full precision for programs, in a size for people, and with nothing beyond the window's edge."""
    assert len(visited.views) == len(WINDOWS)
    for (width, _), view in zip(WINDOWS, visited.views, strict=True):
        assert view.values == ["342.0", "0.37994517180972687", "55.85240874167336"]
        assert "55.8524" in view.text
        assert len(view.images) == 6
        assert all(300 < across <= width and down > 80 for across, down in view.images)
        assert view.overflow <= 0


def test_a_browser_has_nothing_to_complain_of_and_nothing_to_fetch(visited):
    """No line on the console, no request to any network."""
    assert visited.console == []
    assert visited.requests == []


def test_the_page_follows_the_reader_s_colour_scheme(visited):
    """Dark paper where dark is wanted."""
    light, _, dark, _ = (view.background for view in visited.views)
    assert (light, dark) == ("rgb(255, 255, 255)", "rgb(20, 24, 29)")


def test_a_page_that_complains_and_fetches_would_be_noticed(tmp_path):
    """What the tests above rely on."""
    page = tmp_path / "bad.html"
    page.write_text("<img src='http://example.org/a.png'><p style='width:900px'>wide</p><script>missing()</script>")
    found = visit(page, tmp_path, [(400, "light")])
    assert "missing is not defined" in found.console[0]
    assert found.requests == ["http://example.org/a.png"]
    assert found.views[0].overflow > 0
