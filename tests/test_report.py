"""The report: its numbers against other libraries' or by hand, its page in a browser, and data that are hard to draw."""

import base64
import hashlib
import json
import math
import re
import subprocess
import sys
from itertools import pairwise
from typing import Annotated, Literal

import numpy as np
import pytest
from browser import browse
from figures import Parsed, drawing_of, rows_of
from pydantic import BaseModel, Field
from scipy import stats

from gaussian_processes.algorithm import Comparison, Forecast, LearningCurve, Metric, Variant
from gaussian_processes.data.dataset import Dataset, Source
from gaussian_processes.report.account import Account, Channel
from gaussian_processes.report.calibration import Calibration
from gaussian_processes.report.features import relevance, residuals_by_feature
from gaussian_processes.report.page import VEGA, vega_scripts
from gaussian_processes.report.predictions import Predictions
from gaussian_processes.report.rows import Rows
from gaussian_processes.report.writing import write_report

PREDICTION_PLOTS = ["predicted_against_actual", "residuals", "calibration"]
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


COLUMNS = ("weight", "height", "age")


def channel(rows=100, names=("part-0.csv", "part-1.csv")):
    """The rows of the forecast: the first file has 40 below a header line, the second one the others without."""
    target = forecast(rows).target
    features = np.random.default_rng(3).normal(size=(rows, 2))
    return Dataset(features, target, (Source(names[0], 40, header=True), Source(names[1], rows - 40)), COLUMNS)


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


def words(page):
    """A page's text, without its style sheet and its scripts, in one line."""
    return next(Parsed(page).root.all("body")).text


def test_a_report_is_a_document_and_a_page(tmp_path):
    """The page comes last: where it is, all the rest is there."""
    files, _ = write(tmp_path)
    assert list(files) == ["metrics.json", "report.html"]
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


def test_vega_is_the_one_of_npm():
    """The scripts have the checksums that were noted when they were fetched, and end no script of a page."""
    scripts = vega_scripts()
    assert list(scripts) == ["vega", "vega-lite", "vega-embed"]
    for name, script in scripts.items():
        content = (VEGA / script["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == script["sha256"]
        assert b"</script" not in content
        assert f"| {name} {script['version']} |" in (VEGA / "README.md").read_text()
    assert sorted(path.name for path in VEGA.glob("*.js")) == sorted(script["file"] for script in scripts.values())


def test_the_page_may_run_its_own_scripts_and_load_nothing(tmp_path):
    """The policy has the checksum of each script; nothing refers to another file."""
    _, page = write(tmp_path)
    root = Parsed(page).root
    assert not {"img", "iframe", "object", "embed", "base"} & {element.tag for element in root.all()}
    assert not {"src", "onload"} & {key for element in root.all() for key in element.attributes}
    assert [element.attributes["href"] for element in root.all("link")] == ["data:,"]
    (policy,) = [element.attributes["content"] for element in root.all("meta") if "http-equiv" in element.attributes]
    scripts = [script.inside[0] for script in root.all("script") if not script.attributes]
    sums = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    assert len(sums) == 4
    allowed = " ".join(f"'sha256-{one}'" for one in sums)
    assert policy == f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {allowed}"
    assert "University of Washington Interactive Data Lab" in page.partition("<script")[0]


def test_a_page_without_plots_has_no_scripts(tmp_path):
    """And its policy allows none."""
    _, page = write(tmp_path, forecast=None)
    root = Parsed(page).root
    assert [element.attributes["content"] for element in root.all("meta") if "http-equiv" in element.attributes] == [
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'none'"
    ]
    assert [script.attributes.get("type") for script in root.all("script")] == ["application/json"]


def test_the_page_can_be_read_without_eyes_and_without_scripts(tmp_path):
    """A language, a title, headings that skip no level, and for each plot words and a table."""
    _, page = write(tmp_path, learned={"lengthscale_1": 0.2}, comparison=COMPARISON, curve=CURVE, rows=channel())
    root = Parsed(page).root
    assert next(root.all("html")).attributes == {"lang": "en"}
    assert "<title>Training report: a-job</title>" in page
    levels = [int(element.tag[1]) for element in root.all() if re.fullmatch("h[1-6]", element.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert next(root.all("noscript")).text.startswith("Press Trust HTML to see the plots")
    figures = list(root.all("figure"))
    assert [figure.attributes["id"] for figure in figures] == [
        "predicted_against_actual",
        "residuals",
        "calibration",
        "residuals_by_feature",
        "comparison",
        "relevance",
        "learning",
    ]
    for figure in figures:
        assert len(next(figure.all("figcaption")).text) > 60
        assert len(list(figure.all("tr"))) > 1
    assert all(cell.attributes["scope"] in ("row", "col") for cell in root.all("th"))


def test_the_largest_residuals_are_listed_by_file_and_line(tmp_path):
    """In standard deviations; the header line counts."""
    _, page = write(tmp_path, rows=channel(), columns=COLUMNS)
    f = forecast()
    (figure,) = [one for one in Parsed(page).root.all("figure") if one.attributes["id"] == "residuals"]
    cells = [[cell.text for cell in row.all("td")] for row in next(figure.all("tbody")).all("tr")]
    order = np.argsort(-np.abs((f.target - f.mean) / f.std))[:20].tolist()
    assert len(cells) == 20
    for i, (row, name, line, actual, *_) in zip(order, cells, strict=True):
        assert int(row) == i + 1
        assert (name, int(line)) == (("part-0.csv", i + 2) if i < 40 else ("part-1.csv", i - 39))
        assert float(actual) == pytest.approx(f.target[i], rel=1e-5)


def test_features_are_sorted_by_their_lengthscales(tmp_path):
    """Under the names of the channel, with the shortest first; the longest bar is 1."""
    learned = {"lengthscale_1": 4.0, "lengthscale_2": 0.5, "noise": 0.2}
    _, page = write(tmp_path, learned=learned, columns=COLUMNS)
    bars = drawing_of(Parsed(page).root)["plots"]["relevance"]["data"]["values"]
    assert [(bar["name"], bar["relevance"], bar["length"]) for bar in bars] == [
        ("age", 1.0, "0.5"),
        ("height", 0.125, "4"),
    ]
    assert "age has the shortest lengthscale, 0.5, and height the longest, 4." in words(page)
    _, page = write(tmp_path, learned=learned)
    assert "feature 2 has the shortest lengthscale" in words(page)


def test_residuals_are_drawn_against_the_most_relevant_features(tmp_path):
    """As many as there is room for, the first choice being the one with the strongest correlation; computed by NumPy."""
    rows, f = channel(), forecast()
    features = np.random.default_rng(5).normal(size=(100, 30))
    z = (f.target - f.mean) / f.std
    learned = {f"lengthscale_{i + 1}": 1.0 + (i + 7) % 30 for i in range(30)}
    _, page = write(tmp_path, rows=Dataset(features, rows.target, rows.sources), learned=learned)
    drawing = drawing_of(Parsed(page).root)
    (selector,) = [p for p in drawing["plots"]["residuals_by_feature"]["params"] if p["name"] == "feature"]
    relevant = sorted(range(30), key=lambda i: learned[f"lengthscale_{i + 1}"])[:24]
    assert selector["bind"]["labels"] == [f"feature {i + 1}" for i in relevant]
    for field, i in zip(selector["bind"]["options"], relevant, strict=True):
        assert drawing["columns"][field] == pytest.approx(features[:, i], rel=1e-6)
    correlations = [np.corrcoef(features[:, i], z)[0, 1] for i in relevant]
    strongest = int(np.argmax(np.abs(correlations)))
    assert selector["value"] == f"x{strongest}"
    told = f"feature {relevant[strongest] + 1} has the strongest correlation with the residuals, {correlations[strongest]:.2f}"
    assert told in words(page)
    assert "The plot has 24 of 30 features." in words(page)


CURVE = LearningCurve("log evidence", {"first": (-20.0, -15.0, -14.5), "second": (-30.0, nan, -16.0)})


def test_the_criterion_is_drawn_over_the_learning(tmp_path):
    """A point for each iteration of each run; the caption has the best run's gain."""
    _, page = write(tmp_path, curve=CURVE)
    spec = drawing_of(Parsed(page).root)["plots"]["learning"]
    points = [(point["run"], point["iteration"], point["value"]) for point in spec["data"]["values"]]
    assert points == [
        ("first", 1, -20.0),
        ("first", 2, -15.0),
        ("first", 3, -14.5),
        ("second", 1, -30.0),
        ("second", 2, None),
        ("second", 3, -16.0),
    ]
    assert "Log evidence rose by 5.5 to −14.5 within 3 iterations of the best of 2 runs, first." in words(page)
    _, page = write(tmp_path, curve=LearningCurve("log evidence", {"none": (), "lost": (nan,)}))
    assert "learning" not in drawing_of(Parsed(page).root)["plots"]


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
        "reading 250 ms 25 % fit 500 ms 50 % evaluation 250 ms 25 % in all 1 s",
        "training a.csv, b.csv fingerprint sha256:0123 342 10",
        "Target: weight . Features: height , age .",
        "Threads 2 Peak memory 412 MB Python 3.13.5 NumPy 2.4.6",
    ):
        assert text in said
    assert "Learned" not in said
    assert "Variants" not in said


def test_the_page_says_what_was_compared(tmp_path):
    """The best, the chosen one, and what could not be computed."""
    _, page = write(tmp_path, comparison=COMPARISON, learned={"order": 2.0, "depth": 0.0, "noise": 0.2})
    said = words(page)
    assert (
        "Of 6 variants, order = 1, depth = 0 has the best log evidence, −1; the second, order = 2, depth = 0, is 1.0 nats "
        "behind. Chosen was order = 2, depth = 0, which is 1.0 nats behind: it was better after its other "
        "hyperparameters were learned. 2 variants could not be computed." in said
    )
    assert "depth 0 " in said.partition("Learned")[2]  # the table of hyperparameters has all of them


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


def test_correlations_are_those_of_all_rows_that_a_sample_stands_for():
    """A row counts as often as its weight says."""
    f, generator = forecast(60), np.random.default_rng(4)
    features, weight = generator.normal(size=(60, 2)) + f.target[:, None], generator.integers(1, 9, 60)
    sample = Predictions.of(f).at(np.arange(60), weight.astype(float))
    plot, _ = residuals_by_feature(Rows.of(sample, "target", None), features, {}, None)
    z = np.repeat((f.target - f.mean) / f.std, weight)
    wanted = [np.corrcoef(np.repeat(feature, weight), z)[0, 1] for feature in features.T]
    assert [float(value) for _, value in plot.table.rows] == pytest.approx(wanted, abs=5.1e-4)


def test_features_of_one_name_have_a_bar_each():
    """The most relevant of them is not lost."""
    plot = relevance({"lengthscale_1": 1.0, "lengthscale_2": 2.0, "lengthscale_3": 3.0}, ("y", "a", "a", "b"))
    assert list(plot.table.rows) == [("a", "1"), ("a", "2"), ("b", "3")]


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
        learned={attack: 1.0, "lengthscale_1": 1.0},
        comparison=Comparison(attack, (Variant({attack: attack}, 1.0), Variant({attack: 2}, nan)), {attack: attack}),
        versions={attack: attack},
        rows=channel(names=(attack, "b.csv")),
        curve=LearningCurve(attack, {attack: (1.0, 2.0)}),
    )
    root = Parsed(page).root
    assert len(list(root.all("script"))) == 5
    assert not {"img"} & {element.tag for element in root.all()}
    assert not {"onload", "onerror"} & {key for element in root.all() for key in element.attributes}
    assert words(page).count("alert('x')") >= 7
    assert "<" not in page.partition('id="drawing">')[2].partition("</script>")[0]
    assert attack in drawing_of(root)["columns"]["file"]


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
    """No number is anything but finite, and the page says what is missing."""
    _, page = write(tmp_path, forecast=hard)
    plots = drawing_of(Parsed(page).root)["plots"]
    assert [name for name in plots if name in PREDICTION_PLOTS] == PREDICTION_PLOTS[:pictures]
    assert said in words(page)


def test_many_rows_are_drawn_by_a_sample_with_all_of_the_largest_residuals(tmp_path):
    """The same sample each time, weighted to stand for all rows; the caption says so; calibration is that of all rows."""
    f, rows = forecast(7000), channel(7000)
    files, page = write(tmp_path, forecast=f, rows=rows)
    _, again = write(tmp_path, forecast=f, rows=rows)
    assert page == again
    assert files["report.html"].stat().st_size < 3e6
    drawn = rows_of(drawing_of(Parsed(page).root))
    assert len(drawn) == 2000
    assert len({row["row"] for row in drawn}) == 2000
    largest = np.argsort(-np.abs((f.target - f.mean) / f.std))[:200] + 1
    assert set(largest.tolist()) <= {row["row"] for row in drawn}
    assert sum(row["weight"] for row in drawn) == pytest.approx(7000)
    for row in drawn[::97]:
        i = row["row"] - 1
        assert (row["actual"], row["mean"]) == pytest.approx((f.target[i], f.mean[i]), rel=1e-6)
        assert (row["file"], row["line"]) == (("part-0.csv", i + 2) if i < 40 else ("part-1.csv", i - 39))
    said = words(page)
    told = "2,000 rows are drawn: the 200 with the largest residuals, and others chosen at random."
    assert said.count(told) == 3
    assert "the 95 % intervals of 7,000 rows (validation channel), " in said


def test_rows_of_another_number_than_the_forecast_s_have_no_names(tmp_path):
    """An algorithm may forecast what it likes."""
    _, page = write(tmp_path, forecast=forecast(50), rows=channel(100))
    assert "file" not in drawing_of(Parsed(page).root)["columns"]


@pytest.mark.parametrize(
    "learned",
    [{"noise": 0.031, "order": 2.5, "added": 12.0}, {"noise": 0.1}, {"noise": -4.0, "added": 1e300}],
    ids=["few", "one", "negative and huge"],
)
def test_learned_hyperparameters_have_a_column(tmp_path, learned):
    """With their values beside what learning began with."""
    _, page = write(tmp_path, learned=learned)
    said = words(page)
    assert "Default Learned" in said
    for name, value in learned.items():
        assert re.search(rf"{name} .*{re.escape(f'{value:.6g}')}|{name} .*{value:,.0f}", said)


def test_several_values_of_a_hyperparameter_are_listed(tmp_path):
    """As they were given, without Python's brackets."""

    class Several(BaseModel):
        orders: tuple[int, ...] = (0, 1, 2)
        names: tuple[str, ...] = ("a",)

    _, page = write(tmp_path, hyperparameters=Several(orders=(3, 4)))
    assert "orders given 3, 4 0, 1, 2 names a a" in words(page)


def test_what_draws_is_loaded_when_a_report_is_made():
    """A job that ends before its report does not wait for it."""
    code = (
        "import sys, gaussian_processes.report.account, gaussian_processes.report.writing;"
        "print({'jinja2', 'scipy'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A browser for all tests of this file."""
    with browse(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The file of a page that has everything."""
    folder = tmp_path_factory.mktemp("report")
    learned = {"lengthscale_1": 4.0, "lengthscale_2": 0.5, "noise": 0.2}
    changes = {"learned": learned, "comparison": COMPARISON, "curve": CURVE, "rows": channel(), "columns": COLUMNS}
    return write(folder, **changes)[0]["report.html"]


def points(browser, plot):
    """By the number of the row: where each point of a plot is in the window, and its fill."""
    return {
        int(re.search(r"Row: (\d+)", one["label"])[1]): (one["x"], one["y"], one["fill"])
        for one in browser.points(plot)
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1400])
def test_a_browser_draws_every_plot_within_the_window(browser, report, width, scheme):
    """In the reader's colours, without a complaint and without a request; the metrics are there in full precision."""
    browser.visit(report, width, scheme=scheme)
    assert browser.console == browser.requests == []
    assert browser.eval("document.documentElement.scrollWidth") <= width
    sizes = browser.eval("[...document.querySelectorAll('svg')].map(svg => [svg.clientWidth, svg.clientHeight])")
    assert len(sizes) == 7
    assert all(280 < across <= width and down > 60 for across, down in sizes)
    values = browser.eval("[...document.querySelectorAll('data')].map(data => data.value)")
    assert values == ["342.0", "0.37994517180972687", "55.85240874167336"]
    paper, ink = browser.eval(
        "[getComputedStyle(document.documentElement).backgroundColor, "
        "getComputedStyle(document.querySelector('.role-axis-title text')).fill]"
    )
    light = ("rgb(255, 255, 255)", "rgb(27, 36, 48)")
    assert (paper, ink) == (light if scheme == "light" else ("rgb(20, 24, 29)", "rgb(232, 236, 241)"))


@pytest.mark.parametrize("name", ["C:\\users", "ends in \\", 'quoted\\"'])
def test_a_backslash_in_a_name_escapes_nothing(browser, tmp_path, name):
    """Vega-Lite makes expressions of titles; the plots are drawn all the same."""
    files, _ = write(tmp_path, columns=(name, name, name), rows=channel(), learned={"lengthscale_1": 1.0})
    browser.visit(files["report.html"])
    assert browser.console == []
    assert len(points(browser, "predicted_against_actual")) == 100


def test_a_point_says_which_row_it_is(browser, report):
    """Its number, file and line, what was measured, and the interval, under the mouse."""
    browser.visit(report)
    f = forecast()
    far = int(np.argmax(np.abs(f.target - f.mean)))  # where no other point hides it
    x, y, _ = points(browser, "predicted_against_actual")[far + 1]
    browser.mouse("moved", x, y)
    browser.wait("document.querySelector('#vg-tooltip-element.visible') !== null")
    rows = browser.eval(
        "[...document.querySelectorAll('#vg-tooltip-element tr')].map(row => [...row.cells].map(c => c.innerText))"
    )
    told = {key: value.replace("−", "-").replace(",", "") for key, value in rows}
    assert told["Row"] == str(far + 1)
    assert (told["File"], told["Line"]) == (("part-0.csv", str(far + 2)) if far < 40 else ("part-1.csv", str(far - 39)))
    low, high = stats.norm.interval(0.95, f.mean[far], f.std[far])
    names = ("Actual weight", "Predicted weight", "95 % interval from", "95 % interval to")
    assert [float(told[name]) for name in names] == pytest.approx([f.target[far], f.mean[far], low, high], rel=1e-4)


def test_brushed_rows_stand_out_in_every_plot(browser, report):
    """Those in the rectangle, and no others; a click beside it ends the brush."""
    browser.visit(report)
    before = points(browser, "residuals")
    across = sorted(x for x, _, _ in before.values())
    begin, end = (across[20] - 1.0, min(y for _, y, _ in before.values()) - 5.0), (across[60] + 1.0, before[1][1] + 1.0)
    inside = {
        row
        for row, (x, y, _) in before.items()
        if begin[0] < x < end[0] and min(begin[1], end[1]) < y < max(begin[1], end[1])
    }
    assert 0 < len(inside) < 100
    browser.drag(begin, end)
    browser.wait("document.getElementById('brushed').textContent.includes(' of 100 drawn rows')")
    assert (
        browser.eval("document.getElementById('brushed').textContent")
        == f"{len(inside)} of 100 drawn rows are brushed."
    )
    for plot in ("predicted_against_actual", "residuals", "residuals_by_feature"):
        assert {row for row, (_, _, fill) in points(browser, plot).items() if fill != "var(--dim)"} == inside
    # The calibration of the brushed rows is a line of its own.
    line = "document.querySelectorAll('#plot-calibration .mark-line path[stroke=\"var(--missing)\"]').length"
    assert browser.eval(line) == 1
    points(browser, "residuals")
    browser.drag((end[0] + 3.0, end[1] + 3.0), (end[0] + 3.0, end[1] + 3.0))
    browser.wait("document.getElementById('brushed').textContent === 'No row is brushed.'")
    assert browser.eval(line) == 0
    assert browser.console == []


def test_a_brush_along_the_calibration_takes_rows_by_the_level_that_holds_them(browser, report):
    """From the centre of the plot to its right edge: intervals of 50 % and more."""
    browser.visit(report)
    browser.eval("document.getElementById('calibration').scrollIntoView()")
    left, top, width, height = browser.eval(
        "(box => [box.x, box.y, box.width, box.height])(document.querySelector('#plot-calibration .background').getBoundingClientRect())"
    )
    browser.drag((left + width / 2, top + height / 4), (left + width, top + height / 2))
    browser.wait("document.getElementById('brushed').textContent.includes(' of 100 drawn rows')")
    f = forecast()
    level = 2 * stats.norm.cdf(np.abs((f.target - f.mean) / f.std)) - 1
    undimmed = {
        row for row, (_, _, fill) in points(browser, "predicted_against_actual").items() if fill != "var(--dim)"
    }
    expected = set((np.flatnonzero(level >= 0.5) + 1).tolist())
    assert undimmed ^ expected <= set((np.flatnonzero(np.abs(level - 0.5) < 0.01) + 1).tolist())
    assert 20 < len(expected) < 80


def test_the_wheel_zooms_with_ctrl_and_scrolls_without(browser, report):
    """And a double click shows everything again."""
    browser.visit(report)
    x, y, _ = points(browser, "predicted_against_actual")[1]
    labels = "document.querySelector('#plot-predicted_against_actual .role-axis-label').textContent"
    before = browser.eval(labels)
    wheel = {"type": "mouseWheel", "x": x, "y": y, "deltaX": 0, "deltaY": -400}
    browser.call("Input.dispatchMouseEvent", **wheel, modifiers=2)
    browser.wait(f"{labels} !== {before!r}")
    for clicks in (1, 2):
        for kind in ("pressed", "released"):
            browser.mouse(kind, x, y, clickCount=clicks)
    browser.wait(f"{labels} === {before!r}")
    place = browser.eval("scrollY")
    browser.call("Input.dispatchMouseEvent", **wheel)
    browser.wait(f"scrollY < {place}")
    assert browser.eval(labels) == before


def test_the_plots_are_drawn_in_a_frame_that_may_only_run_scripts(browser, report):
    """As a notebook shows them when it is told to trust them."""
    host = report.with_name("host.html")
    host.write_text('<iframe sandbox="allow-scripts" src="report.html" width="1000" height="800"></iframe>')
    browser.visit(host)
    top = browser.call("Page.getFrameTree")["frameTree"]["frame"]["id"]
    (context,) = [number for number, frame in browser.contexts.items() if frame != top]
    browser.wait("document.documentElement.dataset.plots === 'drawn'", contextId=context)
    assert browser.eval("document.querySelectorAll('svg').length", contextId=context) == 7
    assert browser.console == browser.requests == []


def test_without_scripts_the_page_says_what_to_press(browser, report):
    """And has its tables."""
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.visit(report, scripts=False)
        said = browser.eval("document.body.innerText")
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)
    assert "Press Trust HTML to see the plots" in said
    assert said.count("In numbers") == 7
    assert browser.console == browser.requests == []


@pytest.mark.parametrize(
    "hard",
    [Forecast(1.7e308 * ramp, 1.6e308 * ramp, np.full(20, 1e308)), Forecast(np.zeros(1), np.zeros(1), np.zeros(1)), Forecast(ramp, ramp)],
    ids=["huge", "one exact point", "means only"],
)  # fmt: skip
def test_a_browser_draws_what_is_hard_to_draw(browser, tmp_path, hard):
    """Without a complaint, and no coordinate is anything but a number."""
    files, _ = write(tmp_path, forecast=hard)
    browser.visit(files["report.html"])
    assert browser.console == []
    shapes = browser.eval(
        "[...document.querySelectorAll('svg path, svg g')].map(e => (e.getAttribute('d') ?? '') + (e.getAttribute('transform') ?? ''))"
    )
    assert len(shapes) > 40
    assert not [shape for shape in shapes if re.search("NaN|Infinity", shape)]


def test_hostile_names_stay_text_in_a_browser(browser, tmp_path):
    """In tooltips, axes, legends and the selector of features."""
    attack = "<img src=x onerror=fail()>"
    rows = channel(names=(attack, attack))
    files, _ = write(
        tmp_path, rows=rows, columns=(attack, attack, "b"), learned={"lengthscale_1": 1.0, "lengthscale_2": 2.0}
    )
    browser.visit(files["report.html"])
    x, y, _ = points(browser, "predicted_against_actual")[1]
    browser.mouse("moved", x, y)
    browser.wait("document.querySelector('#vg-tooltip-element.visible') !== null")
    assert attack in browser.eval("document.getElementById('vg-tooltip-element').innerText")
    assert browser.eval("document.images.length") == 0
    assert attack in browser.eval("document.querySelector('select').innerText")
    assert browser.console == []


def test_a_page_that_complains_and_fetches_would_be_noticed(browser, tmp_path):
    """What the tests above rely on."""
    page = tmp_path / "bad.html"
    page.write_text("<img src='http://example.org/a.png'><p style='width:900px'>wide</p><script>missing()</script>")
    browser.visit(page, 400)
    assert any("missing is not defined" in line for line in browser.console)
    assert browser.requests == ["http://example.org/a.png"]
    assert browser.eval("document.documentElement.scrollWidth") > 400
