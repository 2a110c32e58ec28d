"""The page of a search: what it says, where it draws it, hostile and hard searches, and its looks in a browser."""

import json
import math
import re
import statistics
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from browser import browse
from figures import Parsed, drawing_of, rows_of
from reference import ROOT

from gaussian_processes.report.heat_map import SHADES, shade
from gaussian_processes.report.quantities import aligned
from gaussian_processes.tuning.page import page
from gaussian_processes.tuning.ranges import ContinuousRange, IntegerRange
from gaussian_processes.tuning.request import read_request
from gaussian_processes.tuning.scale import Scale
from gaussian_processes.tuning.trial import Trial

ATTACK = "<script>alert('x')</script><img src=x onerror=y>\" onload=\"z"
BEGAN = 1.7e9


def request(categorical=(), integer=(), continuous=(), **names):
    """What a page asks of a request: ranges are tuples, `names` its direction, metric and job where they matter."""
    ranges = SimpleNamespace(
        categorical_parameter_ranges=[SimpleNamespace(name=name, values=values) for name, values in categorical],
        integer_parameter_ranges=[numeric(*known, kind=IntegerRange) for known in integer],
        continuous_parameter_ranges=[numeric(*known) for known in continuous],
    )
    metric = names.get("metric", "validation:RMSE")
    return SimpleNamespace(
        hyper_parameter_tuning_job_name=names.get("job", "a-search"),
        objective=SimpleNamespace(type=names.get("direction", "Minimize"), metric_name=metric),
        hyper_parameter_tuning_job_config=SimpleNamespace(parameter_ranges=ranges),
    )


def numeric(name, low, high, scaling="Linear", kind=ContinuousRange):
    return kind(Name=name, MinValue=low, MaxValue=high, ScalingType=scaling)


def trial(number, combination, value=None, status="Completed", reason=""):
    """A job of five seconds, which began ten seconds after the one before it."""
    began = BEGAN + 10.0 * (number - 1)
    values = () if value is None else (value,)
    return Trial(number, combination, status, values, reason, Path(f"/jobs/{number}"), began, began + 5.0)


def chosen(**values):
    return {name: str(value) for name, value in values.items()}


Q_L = request(integer=[("q", 0, 2), ("l", 1, 2)])
SEARCH = [
    trial(1, chosen(q=0, l=1), 60.5),
    trial(2, chosen(q=1, l=1), 55.25),
    trial(3, chosen(q=2, l=2), None, "Failed", "the matrix is not positive definite"),
    trial(4, chosen(q=1, l=1), 57.75),
    trial(5, chosen(q=1, l=2), 56.0),
    trial(6, chosen(q=2, l=1), 50.125, "Stopped", "stopped early"),
    trial(7, chosen(q=1, l=1), 59.0),
    trial(8, chosen(q=0, l=2), None),
]


def tree(known, trials):
    return Parsed(page(known, trials)).root


def plots(root):
    """The figures by name."""
    return {figure.attributes["id"]: figure for figure in root.all("figure")}


def spec(known, trials, name):
    """The specification of a plot."""
    return drawing_of(tree(known, trials))["plots"][name]


def jobs(known, trials):
    """What is drawn of each job, by its number."""
    return {row["row"]: row for row in rows_of(drawing_of(tree(known, trials)))}


def values_of(part):
    return part["data"]["values"]


def table(root):
    """The jobs, as lists of cells."""
    body = next(root.all("tbody"))
    return [[cell for cell in row.all() if cell.tag in ("th", "td")] for row in body.all("tr")]


def test_the_heading_says_what_was_searched_and_found():
    """Name, metric, direction, counts, and the best job that completed, though a stopped one has a better value."""
    root = tree(Q_L, SEARCH)
    header, result = next(root.all("header")).text, next(root.all("section")).text
    assert header == "Tuning report a-search Minimize validation:RMSE : lower is better."
    assert "Best value 55.2500 q 1 l 1 Job 2" in result
    assert "8 jobs: 6 completed, 1 failed, 1 stopped. Together they took 1 min 15 s." in result
    assert next(next(root.all("dl")).all("data")).attributes["value"] == "55.25"


def test_a_search_that_maximizes_has_its_largest_value_as_best():
    """Direction, best job, order of the table and the step line all follow."""
    known = request(continuous=[("a", 0, 1)], direction="Maximize", metric="R2")
    root = tree(known, [trial(i, chosen(a=0.5), value) for i, value in enumerate([0.25, 0.75, 0.5], start=1)])
    assert "Maximize R2 : higher is better." in next(root.all("header")).text
    assert [row[0].text for row in table(root)] == ["2", "3", "1"]
    assert [step["value"] for step in values_of(drawing_of(root)["plots"]["progress"]["layer"][0])] == [
        0.25,
        0.75,
        0.75,
        0.75,
    ]


def test_the_table_runs_from_the_best_to_the_failed():
    """Values in full for programs; those without one after the others, the failed ones last."""
    rows = table(tree(Q_L, SEARCH))
    assert [int(row[0].text) for row in rows] == [6, 2, 5, 4, 7, 1, 8, 3]
    assert [row[3].text for row in rows] == [
        "50.1250",
        "55.2500",
        "56.0000",
        "57.7500",
        "59.0000",
        "60.5000",
        "none",
        "none",
    ]
    assert [[data.attributes["value"] for data in row[3].all("data")] for row in rows[:2]] == [["50.125"], ["55.25"]]
    assert rows[1][4].text == "Completed best"
    assert rows[0][4].text == "Stopped"
    assert [row[6].text for row in rows] == [
        "stopped early",
        "",
        "",
        "",
        "",
        "",
        "",
        "the matrix is not positive definite",
    ]
    assert all(next(row[5].all("data")).attributes["value"] == "5.000" for row in rows)
    assert [next(row[1].all("data")).attributes["value"] for row in rows] == ["2", "1", "1", "1", "1", "0", "0", "2"]


def test_jobs_are_drawn_at_their_times_and_values():
    """From the worst to the best, which is drawn last; what has no value stands apart."""
    found = jobs(Q_L, SEARCH)
    assert list(found) == [3, 8, 1, 7, 4, 5, 2, 6]
    assert [(job["began"], job["ended"]) for _, job in sorted(found.items())] == [
        (10.0 * i, 10.0 * i + 5.0) for i in range(8)
    ]
    values = [60.5, 55.25, None, 57.75, 56.0, 50.125, 59.0, None]
    assert [job["value"] for _, job in sorted(found.items())] == values
    statuses = ["completed", "completed", "failed", "completed", "completed", "stopped", "completed", "no value"]
    assert [job["status"] for _, job in sorted(found.items())] == statuses
    assert [number for number, job in found.items() if job["best"]] == [2]
    legend = spec(Q_L, SEARCH, "progress")["layer"][2]["encoding"]["color"]["scale"]["domain"]
    assert legend == ["completed", "stopped", "failed", "no value"]


def test_the_step_line_is_the_best_value_so_far():
    """At the end of each job, and at the end of the search."""
    trials = [trial(i, chosen(q=0, l=1), value) for i, value in enumerate([9.0, 7.0, 8.0, 5.0, 6.0], start=1)]
    steps = values_of(spec(Q_L, trials, "progress")["layer"][0])
    assert [step["value"] for step in steps] == [9.0, 7.0, 7.0, 5.0, 5.0, 5.0]
    assert [step["ended"] for step in steps] == [5.0, 15.0, 25.0, 35.0, 45.0, 45.0]


def test_jobs_that_ran_at_once_have_rows_of_their_own():
    """As few as can be: a job takes the first row that is free."""
    times = [(0.0, 10.0), (1.0, 4.0), (2.0, 6.0), (4.0, 9.0), (10.0, 12.0)]
    trials = [
        replace(trial(i, chosen(q=0, l=1), 1.0), began=BEGAN + a, ended=BEGAN + b) for i, (a, b) in enumerate(times, 1)
    ]
    assert {number: job["lane"] for number, job in jobs(Q_L, trials).items()} == {1: 1, 2: 2, 3: 3, 4: 2, 5: 1}
    assert "Job 1 took the longest, 10 s; all jobs together worked for 24 s." in tree(Q_L, trials).text


FOUR = request(
    [("kernel", ("rbf", "cosine"))],
    [("order", 0, 4)],
    [("noise", 1e-4, 1.0, "Logarithmic"), ("momentum", 0.0, 0.999, "ReverseLogarithmic")],
    metric="loss",
)
FOUR_TRIED = [
    trial(1, chosen(kernel="rbf", order=0, noise=1e-4, momentum=0.0), 3.0),
    trial(2, chosen(kernel="cosine", order=4, noise=1.0, momentum=0.999), 1.0),
    trial(3, chosen(kernel="rbf", order=1, noise=1e-2, momentum=0.9), 2.5),
    trial(4, chosen(kernel="rbf", order=1, noise=1e-2, momentum=0.9), None, "Failed"),
]


def test_parallel_coordinates_have_an_axis_for_each_parameter_and_the_objective():
    """A line for each completed job, which crosses each axis at its value's share of it; the best one comes last."""
    found = spec(FOUR, FOUR_TRIED, "coordinates")
    (names,) = [param["value"] for param in found["params"] if param["name"] == "names"]
    assert names == ["kernel", "order", "noise", "momentum", "loss"]
    lines = {}
    for point in values_of(found):
        lines.setdefault(point["row"], []).append(point["share"])
    assert list(lines) == [1, 3, 2]
    assert lines[1] == pytest.approx([0.0, 0.0, 0.0, 0.0, 1.0])
    assert lines[2] == pytest.approx([1.0, 1.0, 1.0, 1.0, 0.0])
    assert lines[3] == pytest.approx([0.0, 1 / 4, 1 / 2, 1 / 3, 3 / 4])
    labels = [(label["axis"], label["label"]) for label in values_of(found["layer"][-1])]
    ends = [("rbf", "cosine"), ("0", "4"), ("0.0001", "1"), ("0.999", "0"), ("1", "3")]
    assert sorted(labels) == sorted((axis, label) for axis, pair in enumerate(ends) for label in pair)


def test_every_parameter_has_a_slice():
    """The objective over its values, on its scale."""
    found = drawing_of(tree(FOUR, FOUR_TRIED))["plots"]
    scales = [found[f"slice_{i}"]["encoding"]["x"]["scale"] for i in range(4)]
    assert "slice_4" not in found
    assert scales[0]["domain"] == ["rbf", "cosine"]
    assert scales[1]["domain"] == [0.0, 4.0]
    assert (scales[2]["type"], scales[2]["domain"]) == ("log", [1e-4, 1.0])
    assert (scales[3]["type"], scales[3]["reverse"], scales[3]["domain"]) == ("log", True, pytest.approx([1e-3, 1.0]))
    assert [jobs(FOUR, FOUR_TRIED)[3][f"p{i}"] for i in range(4)] == ["rbf", 1.0, 0.01, 0.1]


def test_the_heat_map_says_mean_spread_and_count():
    """Computed here from the values of each combination; one outline, on the best mean; the rest is empty."""
    found = values_of(spec(Q_L, SEARCH, "heat_map"))
    assert len(found) == 6
    cells = {(cell["column"], cell["row"] + 1): cell for cell in found}  # q and l
    repeated = [55.25, 57.75, 59.0]
    assert cells[1, 1]["text"] == f"{statistics.mean(repeated):.2f}" == "57.33"
    assert cells[1, 1]["small"] == f"± {statistics.stdev(repeated):.1f} (3)"
    assert (cells[0, 1]["text"], cells[1, 2]["text"]) == ("60.50", "56.00")
    assert [at for at, cell in cells.items() if cell["marked"]] == [(1, 2)]
    assert {at for at, cell in cells.items() if cell["shade"] is None} == {(0, 2), (2, 1), (2, 2)}
    assert "Best is q = 1, l = 2, with 56; 3 of 6 combinations completed." in plots(tree(Q_L, SEARCH))["heat_map"].text


def test_colours_are_those_of_ranks():
    """So that good jobs differ however bad the worst is; equal values have one colour."""
    values = [55.1, 55.2, 55.3, 55.3, 56.0, 57.0, 1e6]
    trials = [trial(i, chosen(q=0, l=1), value) for i, value in enumerate(values, start=1)]
    assert [job["shade"] for _, job in sorted(jobs(Q_L, trials).items())] == [0, 1, 2, 2, 4, 5, 6]
    few = [trial(i, chosen(q=0, l=1), value) for i, value in enumerate([1.0, 1.5, 9.0], start=1)]
    assert [job["shade"] for _, job in sorted(jobs(Q_L, few).items())] == [0, 3, 6]


@pytest.mark.parametrize(
    ("known", "name"),
    [
        (request(integer=[("q", 0, 4), ("l", 1, 4)]), "heat_map"),
        (request([("q", ("0", "1"))], [("l", 1, 4)]), "heat_map"),
        (request([("q", ("0", "1")), ("l", ("1", "2"))]), "heat_map"),
        (request(integer=[("q", 0, 4)], continuous=[("l", 0.5, 9.0)]), "pair"),
        (request(integer=[("q", 0, 4), ("l", 1, 4000)]), "pair"),
        (request(integer=[("q", 0, 4)]), None),
        (request(integer=[("q", 0, 4), ("l", 1, 4), ("m", 0, 1)]), None),
    ],
    ids=["integers", "a choice", "choices", "a real one", "too many", "one", "three"],
)
def test_two_parameters_have_a_map_or_points(known, name):
    """A map where both can be counted, points elsewhere, neither for one or three."""
    found = plots(tree(known, [trial(1, chosen(q=1, l=2), 1.0), trial(2, chosen(q=0, l=1), 2.0)]))
    assert [other for other in found if other in ("heat_map", "pair")] == ([name] if name else [])


def many():
    """Five hundred jobs, each seventeenth of which failed."""
    generator = np.random.default_rng(3)
    for i in range(1, 501):
        combination = chosen(
            kernel=generator.choice(["rbf", "cosine"]),
            depth=generator.integers(1, 9),
            rate=10 ** generator.uniform(-5, 0),
        )
        failed = i % 17 == 0
        yield trial(i, combination, None if failed else float(generator.normal()), "Failed" if failed else "Completed")


LONG = "a very long name " * 12
HARD = {
    "no job": (Q_L, []),
    "one job": (Q_L, SEARCH[:1]),
    "none completed": (Q_L, [SEARCH[2], SEARCH[7]]),
    "only a stopped one": (Q_L, [SEARCH[5]]),
    "equal values": (Q_L, [trial(i, chosen(q=i % 3, l=1), 7.0) for i in range(1, 6)]),
    "zeros": (Q_L, [trial(i, chosen(q=i % 3, l=1), 0.0) for i in range(1, 6)]),
    "ranges of one value": (
        request([("c", ("x",))], [("i", 3, 3)], [("f", 0.5, 0.5), ("g", 1e-3, 1e-3, "Logarithmic"), ("h", 0.9, 0.9, "ReverseLogarithmic")]),
        [trial(1, chosen(c="x", i=3, f=0.5, g=1e-3, h=0.9), 1.0), trial(2, chosen(c="x", i=3, f=0.5, g=1e-3, h=0.9), 2.0)],
    ),
    "many jobs": (request([("kernel", ("rbf", "cosine"))], [("depth", 1, 9)], [("rate", 1e-5, 1.0, "Auto")]), list(many())),
    "long names": (
        request([(LONG, tuple(f"{LONG}{i}" for i in range(30))), ("b", ("x", "y"))], metric=LONG, job="j" * 400),
        [trial(i, {LONG: f"{LONG}{i}", "b": "x"}, 1.5e9 * i, reason=LONG) for i in range(1, 30)],
    ),
    "hostile strings": (
        request([(ATTACK, (ATTACK, "\x00\u202e")), ("b", ("x",))], metric=ATTACK, job=ATTACK),
        [trial(1, {ATTACK: ATTACK, "b": "x"}, 1.0), trial(2, {ATTACK: "\x00\u202e", "b": "x"}, None, "Failed", ATTACK)],
    ),
    "not finite": (
        Q_L,
        [trial(1, chosen(q=1, l=1), math.nan), trial(2, chosen(q=1, l=2), math.inf), trial(3, chosen(q=0, l=1), 1.0)],
    ),
    "huge": (Q_L, [trial(i, chosen(q=1, l=1), value) for i, value in enumerate([-1.7e308, 1.7e308, 1e-300], start=1)]),
    "tiny": (Q_L, [trial(i, chosen(q=1, l=1), value) for i, value in enumerate([5e-324, 1e-323, 1e-300], start=1)]),
    "other values": (
        request([("c", ("x",))], [("i", 0, 4)], [("f", 1e-3, 1.0, "Logarithmic")]),
        [
            trial(1, chosen(c="new", i=9, f=-1.0), 1.0),
            trial(2, chosen(c="x", i="many", f="nan"), 2.0),
            trial(3, {}, 3.0),
        ],
    ),
    "no parameter": (request(), [trial(1, {}, 1.0)]),
    "a clock that went back": (Q_L, [replace(trial(1, chosen(q=1, l=1), 1.0), ended=BEGAN - 5.0)]),
}  # fmt: skip


@pytest.mark.parametrize("name", HARD)
def test_hard_searches_have_a_page(name):
    """Every number that is drawn is finite, every job is in the table, and nothing is `nan`."""
    known, trials = HARD[name]
    text = page(known, trials)
    root = Parsed(text).root
    assert len(table(root)) == len(trials) if trials else "No job has begun." in root.text
    completed = any(t.status == "Completed" and t.objective is not None and math.isfinite(t.objective) for t in trials)
    assert bool(plots(root)) == completed
    assert ("No job has completed with a value" in root.text) != completed
    for line in values_of(drawing_of(root)["plots"]["coordinates"]) if completed else []:
        assert 0.0 <= line["share"] <= 1.0
    coordinates = [data.attributes["value"] for data in root.all("data")]
    assert name == "other values" or not {"nan", "inf", "-inf"} & set(coordinates)


def test_markup_in_what_a_user_named_stays_text():
    """In names, values, reasons, the metric and the job, in the table as in the plots."""
    text = page(*HARD["hostile strings"])
    root = Parsed(text).root
    assert len(list(root.all("script"))) == 5
    assert not {"onload", "onerror", "src"} & {key for element in root.all() for key in element.attributes}
    assert next(root.all("h1")).text == " ".join(ATTACK.split())
    assert root.text.count("alert('x')") >= 8
    assert "<" not in text.partition('id="drawing">')[2].partition("</script>")[0]


def test_the_page_can_be_read_without_eyes_and_without_scripts():
    """A language, a title, headings that skip no level, words for each plot, and what to press."""
    root = tree(Q_L, SEARCH)
    assert next(root.all("html")).attributes == {"lang": "en"}
    assert next(root.all("title")).text == "Tuning report: a-search"
    levels = [int(element.tag[1]) for element in root.all() if re.fullmatch("h[1-6]", element.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert next(root.all("noscript")).text.startswith("Press Trust HTML to see the plots")
    figures = plots(root)
    assert list(figures) == ["progress", "timeline", "heat_map", "slice_0", "slice_1", "coordinates"]
    assert all(len(next(figure.all("figcaption")).text) > 60 for figure in figures.values())
    assert all(cell.attributes["scope"] in ("row", "col") for cell in root.all("th"))


def test_the_committed_request_has_a_page():
    """As it is read from its file: twenty combinations of q and l."""
    known = read_request(ROOT / "local_test/tuning_job.json")
    root = tree(known, [trial(i, chosen(q=i % 5, l=1 + i % 4), 50.0 + i) for i in range(1, 11)])
    cells = values_of(drawing_of(root)["plots"]["heat_map"])
    assert sum(cell["shade"] is None for cell in cells) == 10
    name = json.loads((ROOT / "local_test/tuning_job.json").read_text())["HyperParameterTuningJobName"]
    assert next(root.all("h1")).text == name


@pytest.mark.parametrize(
    ("known", "values", "places"),
    [
        (numeric("x", 0.0, 10.0), ["0", "2.5", "10"], [0.0, 0.25, 1.0]),
        (numeric("x", 1e-6, 1.0, "Logarithmic"), ["1e-6", "1e-3", "1"], [0.0, 0.5, 1.0]),
        (numeric("x", 1.0, 100.0, "Auto"), ["1", "10", "100"], [0.0, 0.5, 1.0]),
        (numeric("x", 1.0, 99.0, "Auto"), ["1", "50", "99"], [0.0, 0.5, 1.0]),
        (numeric("x", 0.0, 0.9999, "ReverseLogarithmic"), ["0", "0.99", "0.9999"], [0.0, 0.5, 1.0]),
        (numeric("x", -1.7e308, 1.7e308), ["-1.7e308", "0", "1.7e308"], [0.0, 0.5, 1.0]),
    ],
    ids=["linear", "logarithmic", "wide", "narrow", "reversed", "huge"],
)
def test_places_follow_the_scaling(known, values, places):
    """As shares of the way from the lowest to the highest value."""
    scale = Scale.of_range(known)
    assert [scale.share(scale.find(value)) for value in values] == pytest.approx(places)
    assert scale.find("nan") is scale.find("many") is scale.find(None) is None


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([51.23456789, 161.0, 60.5], ["51.2346", "161.0000", "60.5000"]),
        ([0.5, 0.25], ["0.500000", "0.250000"]),
        ([1.0, 20.0], ["1", "20"]),
        ([-0.5], ["−0.500000"]),
        ([1e-9, 5.5], ["1e−09", "5.5"]),
        ([0.0], ["0"]),
    ],
)
def test_numbers_of_a_column_have_their_decimals_in_common(values, texts):
    """Six digits of the smallest one, unless their sizes differ too much for that."""
    assert aligned(values) == texts


def contrast(one, other):
    """Of two colours, from 1 to 21, as the Web Content Accessibility Guidelines define it."""

    def luminance(colour):
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("which", [0, 1], ids=["light", "dark"])
def test_shades_differ_in_lightness_and_carry_text(which):
    """Who sees no colours still sees their order; each text has the contrast that WCAG's level AA asks for."""
    css = (ROOT / "gaussian_processes/report/page.css").read_text()
    named = [re.findall(rf"--{name}(\d): (#\w+);", css) for name in ("shade", "on")]
    shades, on = ([colour for _, colour in found[SHADES * which : SHADES * (which + 1)]] for found in named)
    assert len(shades) == len(on) == SHADES
    against_black = [contrast(colour, "#000000") for colour in shades]
    assert against_black in (sorted(against_black), sorted(against_black, reverse=True))
    assert all(contrast(*pair) >= 4.5 for pair in zip(shades, on, strict=True))
    assert contrast("#ffffff", "#000000") == pytest.approx(21.0)
    assert [shade(level) for level in (0.0, 0.5, 1.0)] == [0, 3, 6]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A browser for all tests of this file."""
    with browse(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.mark.parametrize(
    "name", ["usual", "long names", "hostile strings", "many jobs", "huge", "tiny", "ranges of one value"]
)
def test_a_browser_shows_the_page_and_fetches_nothing(browser, tmp_path, name):
    """On telephones and large screens, on light and dark paper: no overflow, no complaint, no request."""
    known, trials = HARD.get(name, (Q_L, SEARCH))
    path = tmp_path / "tuning.html"
    path.write_text(page(known, trials), encoding="utf-8")
    papers = {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 24, 29)"}
    for width, scheme in ((360, "light"), (1400, "dark")):
        browser.visit(path, width, scheme=scheme)
        assert browser.console == browser.requests == []
        assert browser.eval("document.documentElement.scrollWidth") <= width
        assert browser.eval("getComputedStyle(document.documentElement).backgroundColor") == papers[scheme]
        drawn = browser.eval(
            "[...document.querySelectorAll('.plot')].map(plot => plot.querySelectorAll('svg path').length)"
        )
        assert len(drawn) == len(plots(Parsed(path.read_text(encoding="utf-8")).root))
        assert min(drawn) > 3
        shapes = browser.eval(
            "[...document.querySelectorAll('svg path, svg g')].map(e => (e.getAttribute('d') ?? '') + (e.getAttribute('transform') ?? ''))"
        )
        assert not [shape for shape in shapes if re.search("NaN|Infinity", shape)]


def test_a_pointer_reads_a_job_and_a_brush_links_the_plots(browser, tmp_path):
    """Number, status and values under the mouse; jobs outside of the brush fade in every other plot."""
    path = tmp_path / "tuning.html"
    path.write_text(page(FOUR, FOUR_TRIED), encoding="utf-8")
    browser.visit(path)
    (best,) = [(one["x"], one["y"]) for one in browser.points("progress") if "Job 2 (" in one["label"]]
    browser.mouse("moved", *best)
    browser.wait("document.querySelector('#vg-tooltip-element.visible') !== null")
    told = "Job 2 (Completed): kernel = cosine, order = 4, noise = 1, momentum = 0.999; loss = 1"
    assert browser.eval("document.getElementById('vg-tooltip-element').innerText") == told
    browser.drag((best[0] - 20.0, best[1] - 20.0), (best[0] + 20.0, best[1] - 1.0))
    browser.wait("document.getElementById('brushed').textContent.startsWith('0 of 4')")
    browser.drag((best[0] - 30.0, best[1] - 40.0), (best[0] + 30.0, best[1] + 6.0))
    browser.wait("document.getElementById('brushed').textContent === '1 of 4 jobs are brushed.'")
    for plot in ("progress", "slice_0", "slice_3"):
        bright = [one["label"] for one in browser.points(plot) if float(one["opacity"] or 1) > 0.5]
        assert len(bright) == 1
        assert "Job 2 (" in bright[0]
    assert browser.console == []
