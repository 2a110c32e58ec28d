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
from browser import visit
from figures import Element, Parsed, box_of, circles, drawn, frames, points_of
from reference import ROOT

from gaussian_processes.report.digits import aligned
from gaussian_processes.report.figure import breadth
from gaussian_processes.report.label import fitted
from gaussian_processes.report.shades import DARK, LIGHT, colours, contrast, shade
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
    return {figure.attributes["class"].split()[0]: figure for figure in root.all("figure")}


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
    svg = next(plots(root)["progress"].all("svg"))
    line = points_of(list(svg.all("path", "line"))[-1].attributes["d"])
    assert line[-1][1] < line[0][1]
    assert all(d <= b for (_, b), (_, d) in pairwise(line))


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


def test_points_stand_at_their_time_and_value():
    """Distances on the page are proportional to seconds and to the objective; failures stand on the axis."""
    svg = next(plots(tree(Q_L, SEARCH))["progress"].all("svg"))
    (frame,) = frames(svg)
    found = circles(svg, "point")
    ended = [5.0, 15.0, 35.0, 45.0, 65.0]
    values = [60.5, 55.25, 57.75, 56.0, 59.0]
    slope, offset = np.polyfit(ended, [x for x, _ in found], 1)
    assert slope > 0
    assert offset == pytest.approx(frame[0], abs=0.2)  # time begins at the axis
    assert np.abs(slope * np.array(ended) + offset - [x for x, _ in found]).max() < 0.1
    slope, offset = np.polyfit(values, [y for _, y in found], 1)
    assert slope < 0
    assert np.abs(slope * np.array(values) + offset - [y for _, y in found]).max() < 0.1
    (hollow,) = circles(svg, "start")
    assert hollow[1] == pytest.approx(slope * 50.125 + offset, abs=0.1)
    crosses = [points_of(p.attributes["d"]) for p in svg.all("path", "failure") if next(p.all("title"), None)]
    assert len(crosses) == 2
    assert all(statistics.mean(y for _, y in cross[:2]) == pytest.approx(frame[3], abs=0.2) for cross in crosses)


def test_the_step_line_is_the_best_value_so_far():
    """Level from end to end, and down where a job was better than all before it."""
    trials = [trial(i, chosen(q=0, l=1), value) for i, value in enumerate([9.0, 7.0, 8.0, 5.0, 6.0], start=1)]
    svg = next(plots(tree(Q_L, trials))["progress"].all("svg"))
    first, second, _, fourth, last = circles(svg, "point")
    line = points_of(list(svg.all("path", "line"))[-1].attributes["d"])
    for x, y in [first, (second[0], first[1]), second, (fourth[0], second[1]), fourth, (last[0], fourth[1])]:
        assert any(math.hypot(x - a, y - b) < 0.11 for a, b in line)
    for (a, b), (c, d) in pairwise(line):
        assert (a == c and d >= b) or (b == d and c >= a)  # lower values stand lower


def test_parallel_coordinates_have_an_axis_for_each_parameter_and_the_objective():
    """A line for each completed job, which crosses each axis at its value's height; the best one comes last."""
    known = request(
        [("kernel", ("rbf", "cosine"))],
        [("order", 0, 4)],
        [("noise", 1e-4, 1.0, "Logarithmic"), ("momentum", 0.0, 0.999, "ReverseLogarithmic")],
        metric="loss",
    )
    trials = [
        trial(1, chosen(kernel="rbf", order=0, noise=1e-4, momentum=0.0), 3.0),
        trial(2, chosen(kernel="cosine", order=4, noise=1.0, momentum=0.999), 1.0),
        trial(3, chosen(kernel="rbf", order=1, noise=1e-2, momentum=0.9), 2.5),
        trial(4, chosen(kernel="rbf", order=1, noise=1e-2, momentum=0.9), None, "Failed"),
    ]
    svg = next(plots(tree(known, trials))["coordinates"].all("svg"))
    axes = sorted(frames(svg))
    assert len(axes) == 5
    lines = {
        int(re.match(r"Job (\d+)", next(p.all("title")).text)[1]): points_of(p.attributes["d"])
        for p in svg.all("path", "course")
    }
    assert list(lines) == [1, 3, 2]
    for points in lines.values():
        assert [x for x, _ in points] == pytest.approx([axis[0] for axis in axes], abs=0.1)
        assert all(axis[1] <= y <= axis[3] for (_, y), axis in zip(points, axes, strict=True))
    low, high, middle = ([y for _, y in lines[number]] for number in (1, 2, 3))
    share = [(m - a) / (b - a) for a, b, m in zip(low, high, middle, strict=True)]
    assert share == pytest.approx([0.0, 1 / 4, 1 / 2, 1 / 3, 1 / 4], abs=0.002)
    assert "winner" in list(svg.all("path", "course"))[-1].attributes["class"]
    said = svg.text
    for label in (
        "kernel",
        "order",
        "noise",
        "momentum",
        "loss",
        "rbf",
        "cosine",
        "10⁻⁴",
        "0.9",
        "0.99",
        "best 1",
        "3 worst",
    ):
        assert label in said


def test_the_heat_map_says_mean_spread_and_count():
    """Computed here from the values of each combination; one outline, on the best mean; the rest is empty."""
    svg = next(plots(tree(Q_L, SEARCH))["heat_map"].all("svg"))
    assert len(list(svg.all("path", "empty"))) == 3
    texts = [(float(t.attributes["x"]), float(t.attributes["y"]), t.text) for t in svg.all("text")]
    repeated = [55.25, 57.75, 59.0]
    means = {text: (x, y) for x, y, text in texts if text in ("57.33", "60.50", "56.00")}
    assert f"{statistics.mean(repeated):.2f}" == "57.33"
    assert len(means) == 3
    x, y = means["57.33"]
    below = [text for a, b, text in texts if a == x and y < b < y + 40]
    assert below == [f"± {statistics.stdev(repeated):.1f}", "n = 3"]
    assert means["60.50"][0] < x == means["56.00"][0]  # q = 0 stands left of q = 1
    assert means["56.00"][1] < y  # l = 2 above l = 1
    (outline,) = svg.all("path", "outline")
    corners = points_of(outline.attributes["d"])
    at = means["56.00"]
    assert min(c[0] for c in corners) < at[0] < max(c[0] for c in corners)
    assert min(c[1] for c in corners) < at[1] < max(c[1] for c in corners)
    assert "Best is q = 1, l = 2, with 56; 3 of 6 combinations completed." in plots(tree(Q_L, SEARCH))["heat_map"].text


def test_cells_do_not_overlap_and_fill_the_frame():
    """As many as there are combinations, each inside of the axes."""
    svg = next(plots(tree(Q_L, SEARCH))["heat_map"].all("svg"))
    (frame,) = frames(svg)
    boxes = [points_of(p.attributes["d"]) for p in svg.all("path", "cell")]
    cells = [
        (min(x for x, _ in box), min(y for _, y in box), max(x for x, _ in box), max(y for _, y in box))
        for box in boxes
        if min(y for _, y in box) >= frame[1]  # the others are the legend's
    ]
    assert len(cells) == 6
    for cell in cells:
        assert frame[0] <= cell[0] < cell[2] <= frame[2]
        assert frame[1] <= cell[1] < cell[3] <= frame[3]
    for i, one in enumerate(cells):
        for other in cells[i + 1 :]:
            assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


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
    assert [other for other in found if other not in ("progress", "coordinates")] == ([name] if name else [])


def test_points_over_two_parameters_stand_in_the_frame():
    """Logarithms on one side; the best one last, so that none hides it."""
    known = request(integer=[("q", 0, 4)], continuous=[("noise", 1e-4, 1.0, "Logarithmic")])
    trials = [trial(i, chosen(q=i, noise=10.0 ** (-i)), 10.0 - i) for i in range(5)]
    svg = next(plots(tree(known, trials))["pair"].all("svg"))
    (frame,) = frames(svg)
    spots = circles(svg, "spot")
    assert len(spots) == 5
    assert all(frame[0] <= x <= frame[2] and frame[1] <= y <= frame[3] for x, y in spots)
    assert np.ptp(np.diff([y for _, y in spots])) < 0.21
    assert np.ptp(np.diff([x for x, _ in spots])) < 0.21
    assert "winner" in list(svg.all("g", "spot"))[-1].attributes["class"]


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
    """Every coordinate is a number inside of its figure, every job is in the table, and nothing is `nan`."""
    known, trials = HARD[name]
    text = page(known, trials)
    root = Parsed(text).root
    assert len(table(root)) == len(trials) if trials else "No job has begun." in root.text
    completed = any(t.status == "Completed" and t.objective is not None and math.isfinite(t.objective) for t in trials)
    assert bool(plots(root)) == completed
    assert ("No job has completed with a value" in root.text) != completed
    for svg in root.all("svg"):
        left, top, right, bottom = box_of(svg)
        for element in svg.all():
            for key in ("d", "cx", "cy", "x", "y", "r", "transform"):
                assert not re.search(r"nan|inf|\de", element.attributes.get(key, ""))
        for x, y in drawn(svg):
            assert left <= x <= right
            assert top <= y <= bottom
    coordinates = [data.attributes["value"] for data in root.all("data")]
    assert name == "other values" or not {"nan", "inf", "-inf"} & set(coordinates)


def test_markup_in_what_a_user_named_stays_text():
    """In names, values, reasons, the metric and the job, in the table as in the figures and their titles."""
    root = tree(*HARD["hostile strings"])
    assert not {"script", "img"} & {element.tag for element in root.all()}
    assert not {"onload", "onerror", "src"} & {key for element in root.all() for key in element.attributes}
    assert next(root.all("h1")).text == " ".join(ATTACK.split())
    assert root.text.count("alert('x')") >= 8


def test_the_page_needs_nothing_but_itself():
    """No script, no reference, no address but the name of SVG's language."""
    text = page(Q_L, SEARCH)
    root = Parsed(text).root
    assert not {"script", "img", "iframe", "object", "embed", "base"} & {element.tag for element in root.all()}
    assert not re.search(r"https?:|@import|url\(|//", text.replace("http://www.w3.org/2000/svg", ""))
    assert [link.attributes["href"] for link in root.all("link")] == ["data:,"]


def test_the_page_can_be_read_without_eyes():
    """A language, a title, headings that skip no level, and a name and a description for each figure."""
    root = tree(Q_L, SEARCH)
    assert next(root.all("html")).attributes == {"lang": "en"}
    assert next(root.all("title")).text == "Tuning report: a-search"
    levels = [int(element.tag[1]) for element in root.all() if re.fullmatch("h[1-6]", element.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    figures = list(root.all("svg"))
    assert len(figures) == 3
    for svg in figures:
        first, second = [inner for inner in svg.inside if isinstance(inner, Element)][:2]
        assert svg.attributes["role"] == "img"
        assert len(svg.attributes["aria-label"]) > 30
        assert (first.tag, second.tag) == ("title", "desc")
        assert first.text
        assert len(second.text) > 30
    assert all(cell.attributes["scope"] in ("row", "col") for cell in root.all("th"))


def test_the_committed_request_has_a_page():
    """As it is read from its file: twenty combinations of q and l."""
    known = read_request(ROOT / "local_test/tuning_job.json")
    root = tree(known, [trial(i, chosen(q=i % 5, l=1 + i % 4), 50.0 + i) for i in range(1, 11)])
    svg = next(plots(root)["heat_map"].all("svg"))
    assert len(list(svg.all("path", "empty"))) == 10
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
    low, middle, high = (scale.find(value) for value in values)
    assert [(place - low) / (high - low) for place in (low, middle, high)] == pytest.approx(places)
    assert scale.axis.low < low < high < scale.axis.high
    assert len(scale.axis.ticks) == len(scale.axis.labels) >= 2


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


@pytest.mark.parametrize("text", ["short", "value number 12 of a long list", "m" * 90, "i" * 90, "", "a\x00b"])
@pytest.mark.parametrize("room", [20.0, 60.0, 100.0])
def test_labels_fit_and_keep_both_ends(text, room):
    """Whole where there is room; elsewhere the beginning and the end."""
    shown = fitted(text, room)
    assert breadth(shown) <= room
    assert shown.isprintable()
    if shown != text.replace("\x00", "\ufffd"):
        begin, end = shown.split("…")
        assert text.startswith(begin)
        assert text.endswith(end)


@pytest.mark.parametrize("shades", [LIGHT, DARK], ids=["light", "dark"])
def test_shades_differ_in_lightness_and_carry_text(shades):
    """Who sees no colours still sees their order; each text has the contrast that WCAG's level AA asks for."""
    named = colours(shades)
    against_black = [contrast(colour, "#000000") for colour in shades]
    assert against_black in (sorted(against_black), sorted(against_black, reverse=True))
    assert all(contrast(named[f"shade{i}"], named[f"on{i}"]) >= 4.5 for i in range(len(shades)))
    assert contrast("#ffffff", "#000000") == pytest.approx(21.0)
    assert [shade(level) for level in (0.0, 0.5, 1.0)] == [0, 3, 6]


WINDOWS = [(360, "light"), (1200, "light"), (360, "dark"), (1200, "dark")]


@pytest.mark.parametrize("name", ["usual", "long names", "hostile strings", "many jobs"])
def test_a_browser_shows_the_page_and_fetches_nothing(tmp_path, name):
    """On telephones and large screens, on light and dark paper: no overflow, no complaint, no request."""
    known, trials = HARD.get(name, (Q_L, SEARCH))
    path = tmp_path / "tuning.html"
    path.write_text(page(known, trials), encoding="utf-8")
    visited = visit(path, tmp_path, WINDOWS)
    assert visited.console == []
    assert visited.requests == []
    for (width, _), view in zip(WINDOWS, visited.views, strict=True):
        assert view.overflow <= 0
        assert len(view.images) == (2 if name == "many jobs" else 3)
        assert all(across >= min(width, 440) - 60 and down > 80 for across, down in view.images)
    assert [view.background for view in visited.views[1:3]] == ["rgb(255, 255, 255)", "rgb(20, 24, 29)"]
