"""The plot of what a model was chosen among: each variant in its place with its value, in maps and in rows."""

import math
import re
from itertools import product

import numpy as np
import pytest
from figures import Parsed, box_of, circles, drawn, frames, points_of

from gaussian_processes.algorithm import Comparison, Variant
from gaussian_processes.report.comparison import comparison
from gaussian_processes.report.figure import breadth
from gaussian_processes.report.page import standalone
from gaussian_processes.report.variants import less

nan, inf = math.nan, math.inf
ATTACK = "<script>alert('x')</script><img src=x onerror=y>\" onload=\"z"
GEOMETRIES = ("sphere", "homogeneous")


def log_evidence(q, l, geometry):
    """From good to very bad, and no two alike."""
    return -1868.25 - 3.5 * (q - 1) ** 2 - 1.25 * (l - 2) ** 2 - 0.125 * l - 40.0 * (geometry != "sphere") * (q + 1)


def compared(orders=range(5), depths=range(5), geometries=GEOMETRIES, changes=None, chosen=None):
    """Kernels, the best of which was chosen unless told otherwise; `changes` are values of some (q, l, geometry)."""
    variants = tuple(
        Variant({"q": q, "l": l, "geometry": g}, (changes or {}).get((q, l, g), log_evidence(q, l, g)))
        for g, q, l in product(geometries, orders, depths)
    )
    best = max((v for v in variants if math.isfinite(v.value)), key=lambda v: v.value, default=variants[0])
    return Comparison("log evidence", variants, chosen or best.settings)


def rows_of(*values, chosen=0, criterion="log evidence"):
    """Variants of one setting, n."""
    variants = tuple(Variant({"n": n}, value) for n, value in enumerate(values))
    return Comparison(criterion, variants, {"n": chosen})


def svg_of(known):
    return next(Parsed(standalone(comparison(known))).root.all("svg"))


def bounds(path):
    """(left, top, right, bottom) of an area."""
    corners = points_of(path.attributes["d"])
    return (
        min(x for x, _ in corners),
        min(y for _, y in corners),
        max(x for x, _ in corners),
        max(y for _, y in corners),
    )


def cells(svg):
    """(panel, left, top, right, bottom, element) of each cell, without the legend's."""
    for path in svg.all("path", "cell"):
        left, top, right, bottom = bounds(path)
        for panel, frame in enumerate(frames(svg)):
            if frame[0] <= left and right <= frame[2] and frame[1] <= top and bottom <= frame[3]:
                yield panel, left, top, right, bottom, path


def texts_in(svg, left, top, right, bottom):
    return [
        text.text
        for text in svg.all("text")
        if "x" in text.attributes
        and left < float(text.attributes["x"]) < right
        and top < float(text.attributes["y"]) < bottom
    ]


def title_of(element):
    return next(element.all("title")).text


def test_a_map_has_each_variant_once_in_its_place_with_its_value():
    """A panel for each geometry, q from the left, l from below; differences computed here."""
    known = compared()
    svg = svg_of(known)
    found = list(cells(svg))
    assert len(list(frames(svg))) == 2
    assert len(found) == len(known.variants) == 50
    best = max(variant.value for variant in known.variants)
    places = {}
    for variant in known.variants:
        name = ", ".join(f"{key} = {value}" for key, value in variant.settings.items())
        (cell,) = [cell for cell in found if title_of(cell[-1]).startswith(f"{name}:")]
        panel, *box, element = cell
        assert panel == GEOMETRIES.index(variant.settings["geometry"])
        behind = best - variant.value
        (text,) = texts_in(svg, *box)
        assert text == ("0" if not behind else f"−{behind:.1f}" if behind < 99.95 else f"−{behind:.0f}")
        assert title_of(element).endswith(text)
        places[tuple(variant.settings.values())] = ((box[0] + box[2]) / 2, -(box[1] + box[3]) / 2)
    for geometry in GEOMETRIES:
        x = np.array([[places[q, l, geometry][0] for l in range(5)] for q in range(5)])
        y = np.array([[places[q, l, geometry][1] for l in range(5)] for q in range(5)])
        assert np.ptp(x, axis=1).max() < 0.2
        assert np.diff(x, axis=0).min() > 60.0
        assert np.ptp(y, axis=0).max() < 0.2
        assert np.diff(y, axis=1).min() > 20.0
    said = svg.text
    for label in ("geometry = sphere", "geometry = homogeneous", "l = 4", "best 0", "worst"):
        assert said.count(label) >= 1
    assert [text.text for text in svg.all("text", "title")].count("q") == 1


def test_a_better_variant_has_no_worse_colour():
    """From the first shade, which the best has, to the last, which the worst has; the good ones differ too."""
    known = compared(changes={(0, 0, "sphere"): -1e5})
    values = {", ".join(f"{k} = {v}" for k, v in variant.settings.items()): variant.value for variant in known.variants}
    found = sorted(
        (-values[title_of(path).split(":")[0]], int(re.search(r"shade(\d)", path.attributes["class"])[1]))
        for *_, path in cells(svg_of(known))
    )
    shades = [shade for _, shade in found]
    assert shades == sorted(shades)
    assert (shades[0], shades[-1]) == (0, 6)
    assert len(set(shades)) >= 5


@pytest.mark.parametrize("settings", [(1, 2, "sphere"), (3, 0, "homogeneous"), (0, 4, "sphere")])
def test_the_chosen_cell_has_the_only_outline(settings):
    """Whether or not it is the best."""
    svg = svg_of(compared(chosen=dict(zip(("q", "l", "geometry"), settings, strict=True))))
    (outline,) = svg.all("path", "outline")
    left, top, right, bottom = bounds(outline)
    (inside,) = [c for c in cells(svg) if left < (c[1] + c[3]) / 2 < right and top < (c[2] + c[4]) / 2 < bottom]
    q, l, geometry = settings
    assert title_of(inside[-1]).startswith(f"q = {q}, l = {l}, geometry = {geometry}:")


def test_what_could_not_be_computed_is_hatched_and_said():
    """No number, no shade; infinite values are none either."""
    lost = {(0, 0, "sphere"): nan, (4, 1, "homogeneous"): inf, (2, 2, "sphere"): -inf}
    known = compared(changes=lost)
    svg, plot = svg_of(known), comparison(known)
    unknown = [cell for cell in cells(svg) if "unknown" in cell[-1].attributes["class"]]
    assert {title_of(cell[-1]) for cell in unknown} == {
        f"q = {q}, l = {l}, geometry = {g}: not computed" for q, l, g in lost
    }
    hatches = list(svg.all("path", "hatch"))
    assert len(hatches) == len(unknown) == 3
    for (_, left, top, right, bottom, _), hatch in zip(unknown, hatches, strict=True):
        lines = points_of(hatch.attributes["d"])
        assert len(lines) > 10
        assert all(left - 0.1 <= x <= right + 0.1 and top - 0.1 <= y <= bottom + 0.1 for x, y in lines)
        assert texts_in(svg, left, top, right, bottom) == []
    assert "Hatched cells could not be computed." in plot.reading
    assert plot.finding.endswith(" 3 variants could not be computed.")
    assert "Hatched" not in comparison(compared()).reading


def test_what_was_not_compared_has_a_dashed_rim():
    """A cell that is missing is not one that failed."""
    whole = compared(geometries=("sphere",))
    known = Comparison(whole.criterion, whole.variants[1:-1], whole.chosen)
    svg = svg_of(known)
    assert [len(list(svg.all("path", kind))) for kind in ("empty", "hatch")] == [2, 0]
    assert len(list(cells(svg))) == 25
    assert "Cells with a dashed rim were not compared." in comparison(known).reading


def test_numbers_are_left_out_where_they_would_not_fit():
    """In narrow cells, but never in part; a pointer is told all of them."""
    known = compared(range(16), range(8))
    svg = svg_of(known)
    found = list(cells(svg))
    assert len(found) == len({title_of(cell[-1]) for cell in found}) == 256
    shown = [text for _, *box, _ in found for text in texts_in(svg, *box)]
    assert 0 < len(shown) < 256
    assert max(map(breadth, shown)) < found[0][3] - found[0][1]
    assert "Numbers that do not fit are left out." in comparison(known).reading
    assert svg.attributes["viewbox"].split()[2] == "440.0"


@pytest.mark.parametrize("chosen", [0, 3])
def test_one_setting_has_a_row_for_each_value(chosen):
    """In its own order; points stand at their value; the chosen one has a rim; one that failed has words."""
    values = [-12.5, -11.25, nan, -20.0, -40.0]
    svg = svg_of(rows_of(*values, chosen=chosen))
    everything = sorted(circles(svg, "point"), key=lambda point: point[1])
    assert len(everything) == 4
    known = [value for value in values if math.isfinite(value)]
    slope, offset = np.polyfit(known, [x for x, _ in everything], 1)
    assert slope > 0
    assert np.abs(slope * np.array(known) + offset - [x for x, _ in everything]).max() < 0.1
    (marked,) = circles(svg, "chosen")
    assert marked[0] == pytest.approx(slope * values[chosen] + offset, abs=0.1)
    left, top, right, bottom = next(frames(svg))
    asides = [t.text for t in svg.all("text", "value") if float(t.attributes["x"]) > right]
    assert asides == ["−1.2", "0", "not computed", "−8.8", "−28.8"]
    assert texts_in(svg, 0.0, top, left, bottom) == ["0", "1", "2", "3", "4"]
    assert [title.text for title in svg.all("text", "title")] == ["Less than the best, nats", "n"]
    assert "Of 5 variants, n = 1 has the best log evidence, −11.25" in comparison(rows_of(*values)).finding


def test_other_settings_have_rows_of_the_best():
    """Twenty of them from the best to the worst, and the chosen one wherever it ranks."""
    variants = [
        Variant({"kernel": kernel, "loss": loss, "order": order}, -float(7 * i % 48))
        for i, (kernel, loss, order) in enumerate(product(("rbf", "cosine"), ("L1", "L2"), range(12)))
    ]
    ranked = sorted(variants, key=lambda variant: -variant.value)
    for chosen, drawn_ones in ((ranked[4], ranked[:20]), (ranked[40], [*ranked[:20], ranked[40]])):
        known = Comparison("log evidence", tuple(variants), chosen.settings)
        svg = svg_of(known)
        points = [
            (float(circle.attributes["cy"]), title.text, "chosen" in group.attributes["class"])
            for group in svg.all("g", "point")
            for circle, title in zip(group.all("circle"), group.all("title"), strict=True)
        ]
        assert [title.split(":")[0] for _, title, _ in sorted(points)] == [
            ", ".join(f"{key} = {value}" for key, value in variant.settings.items()) for variant in drawn_ones
        ]
        assert [is_chosen for *_, is_chosen in sorted(points)] == [variant is chosen for variant in drawn_ones]
        assert f"The best 20 of 48{' and the chosen one' if len(drawn_ones) > 20 else ''} are drawn." in svg.text


@pytest.mark.parametrize(
    ("variants", "mapped"),
    [
        ([{"q": q, "l": l} for q in range(2) for l in range(2)], True),
        ([{"q": q, "l": l, "same": 3.5} for q in range(2) for l in range(2)], True),
        ([{"q": q, "l": l, "m": m} for q in range(5) for l in range(3) for m in range(4)], True),
        ([{"q": q, "l": l, "m": m} for q in range(5) for l in range(6) for m in range(5)], False),
        ([{"q": q, "noise": 10.0**-e} for q in range(3) for e in range(4)], True),
        ([{"q": q, "l": l} for q in range(21) for l in range(2)], False),
        ([{"q": i, "l": i * i % 7} for i in range(7)], False),
        ([{"q": q, "l": l} for q in range(2) for l in range(2)] * 2, False),
        ([{"q": q, "kernel": k} for q in range(2) for k in "ab"], False),
        ([{"q": 1, "l": 1}, {"q": 2}, {"l": 2, "q": 1}], False),
        ([{"q": q, "l": l, **word} for q in range(2) for l in range(2) for word in ({}, {"kernel": "a"})], False),
        ([{"q": q} for q in range(5)], False),
        ([{"q": 1}], False),
        ([{}], False),
    ],
    ids=["two", "two that differ", "three numbers", "many panels", "real numbers", "many columns", "few of the cells", "twice",
         "a number and a word", "not set", "a word not set", "one", "single", "nothing"],
)  # fmt: skip
def test_a_map_is_drawn_where_two_numbers_say_which_variant_it_is(variants, mapped):
    """And rows elsewhere: nothing is hidden behind another."""
    known = Comparison("score", tuple(Variant(s, -float(i)) for i, s in enumerate(variants)), variants[0])
    svg = svg_of(known)
    assert "same" not in svg.text
    assert bool(list(cells(svg))) == mapped
    assert len(list(cells(svg)) if mapped else circles(svg, "point")) == (
        len(variants) if mapped else min(len(variants), 20)
    )


@pytest.mark.parametrize(
    ("known", "finding"),
    [
        (
            compared(),
            "Of 50 variants, q = 1, l = 2, geometry = sphere has the best log evidence, −1868.5, and was chosen; the second, q = 1, l = 1, geometry = sphere, is 1.1 nats behind.",
        ),
        (
            rows_of(-3.0, -2.5, -4.0),
            "Of 3 variants, n = 1 has the best log evidence, −2.5; the second, n = 0, is 0.5 nats behind. Chosen was n = 0, which is 0.5 nats behind: it was better after its other hyperparameters were learned.",
        ),
        (rows_of(-3.0, -3.0, chosen=1), "Of 2 variants, n = 1 has the best log evidence, −3, and was chosen; the second, n = 0, is as good."),
        (rows_of(-3e3, -3e3 - 1e-9), "Of 2 variants, n = 0 has the best log evidence, −3,000, and was chosen; the second, n = 1, is as good."),
        (rows_of(0.5, 0.75, chosen=1, criterion="share"), "Of 2 variants, n = 1 has the best share, 0.75, and was chosen; the second, n = 0, is 0.25 behind."),
        (rows_of(nan, 1.0), "Of 2 variants, n = 1 has the best log evidence, 1. Chosen was n = 0, which could not be computed. 1 variant could not be computed."),
        (rows_of(2.0, 1.0, chosen=7), "Of 2 variants, n = 0 has the best log evidence, 2; the second, n = 1, is 1.0 nats behind. Chosen was n = 7, which is none of them."),
        (rows_of(nan, nan), "None of the 2 variants could be computed; n = 0 was chosen."),
        (rows_of(-0.0), "n = 0 has the best log evidence, 0, and was chosen."),
        (rows_of(nan), "The one variant there is could not be computed; n = 0 was chosen."),
    ],
    ids=["best", "not best", "tie", "rounding", "no nats", "chosen failed", "chosen elsewhere", "all failed", "one", "one failed"],
)  # fmt: skip
def test_the_finding_says_which_is_best_by_how_much_and_what_was_chosen(known, finding):
    """In a sentence each."""
    assert comparison(known).finding == finding
    assert comparison(known).title == f"Variants by {known.criterion}"


@pytest.mark.parametrize(
    ("behind", "text"),
    [
        (0.0, "0"), (1e-4, "−0.0001"), (0.123, "−0.12"), (0.996, "−1.0"), (3.24, "−3.2"), (99.94, "−99.9"), (99.96, "−100"),
        (120.4, "−120"), (12345.6, "−12,346"), (999_999.4, "−999,999"), (1.234e7, "−1.23e+07"), (1.7e308, "−1.7e+308"),
    ],
)  # fmt: skip
def test_differences_have_the_digits_that_matter(behind, text):
    """Nats below a hundredth of the largest say nothing."""
    assert less(behind) == text


HARD = {
    "all failed": compared(changes=dict.fromkeys(product(range(5), range(5), GEOMETRIES), nan)),
    "equal": Comparison("score", tuple(Variant({"q": q, "l": l}, 3.0) for q in range(3) for l in range(3)), {"q": 0, "l": 0}),
    "huge": rows_of(1.7e308, -1.7e308, 0.0),
    "tiny": rows_of(5e-324, 1e-323, 0.0),
    "huge map": Comparison("score", tuple(Variant({"q": q, "l": l}, (-1) ** q * 1.7e308 / (l + 1)) for q in range(3) for l in range(3)), {"q": 0, "l": 0}),
    "one": rows_of(1.0),
    "long names": Comparison("criterion " * 20, tuple(Variant({"a very long name " * 4: f"value {i} " * 9, "b" * 90: f"{i}", "c": i}, -float(i)) for i in range(30)), {}),
    "long names in a map": Comparison("m" * 99, tuple(Variant({"a very long name " * 4: q, "b" * 90: l, "c" * 90: "d" * 90 + f"{g}"}, -float(q + l)) for q in range(3) for l in range(3) for g in range(4)), {}),
    "many settings": Comparison("score", tuple(Variant({f"setting_{j}": (i * j) % 5 for j in range(30)}, -float(i)) for i in range(9)), {}),
    "many values": rows_of(*range(60), chosen=3),
    "hostile": Comparison(ATTACK, tuple(Variant({ATTACK: q, "\x00": l, "\u202e": ATTACK * g}, 1.0) for q in range(2) for l in range(2) for g in range(2)), {ATTACK: ATTACK}),
    "hostile rows": Comparison(ATTACK, (Variant({ATTACK: ATTACK}, 1.0), Variant({ATTACK: "\x00"}, nan)), {ATTACK: ATTACK}),
    "not finite settings": Comparison("score", tuple(Variant({"a": a, "b": b}, 1.0) for a in (nan, inf) for b in (True, 1.5)), {}),
}  # fmt: skip


@pytest.mark.parametrize("name", HARD)
def test_hard_comparisons_are_drawn_within_their_figure(name):
    """Every coordinate is a number inside of it, and whatever a user named stays text."""
    svg = svg_of(HARD[name])
    left, top, right, bottom = box_of(svg)
    assert right == 440.0
    for element in svg.all():
        assert not {"onload", "onerror", "src"} & set(element.attributes)
        assert element.tag not in ("script", "img")
        for key in ("d", "cx", "cy", "x", "y", "r", "transform"):
            assert not re.search(r"nan|inf|\de", element.attributes.get(key, ""))
    for x, y in drawn(svg):
        assert left <= x <= right
        assert top <= y <= bottom


@pytest.mark.parametrize("name", ["long names", "hostile rows"])
def test_columns_at_the_left_of_rows_do_not_meet(name):
    """As broad as they are, or shortened: each ends before the next begins, and before the frame."""
    svg = svg_of(HARD[name])
    frame = next(frames(svg))
    labels = [
        t
        for t in svg.all("text")
        if "x" in t.attributes and float(t.attributes["x"]) < frame[0] and 30.0 < float(t.attributes["y"]) < frame[3]
    ]
    begins = sorted({float(t.attributes["x"]) for t in labels})
    for label in labels:
        x = float(label.attributes["x"])
        end = next((begin for begin in begins if begin > x), frame[0])
        assert x + breadth(label.text) <= end


def test_differences_beyond_the_largest_number_are_drawn():
    """As that number."""
    assert len(circles(svg_of(HARD["huge"]), "point")) == 3
    assert "not computed" not in svg_of(HARD["huge"]).text


def test_nothing_compared_is_no_plot():
    """As there is nothing to draw."""
    assert comparison(Comparison("log evidence", (), {})) is None
