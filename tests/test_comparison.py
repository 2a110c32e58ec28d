"""The plot of what a model was chosen among: each variant in its place with its value, in maps and in tables."""

import json
import math
from itertools import chain, product

import pytest

from gaussian_processes.algorithm import Comparison, Variant
from gaussian_processes.report.quantities import less
from gaussian_processes.report.variants import comparison

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


def cells(known):
    """The cells of a map, by the variant's name; none where there is no map."""
    spec = comparison(known).spec
    return {cell["told"].split(":")[0]: cell for cell in spec["data"]["values"]} if spec else {}


def labels(known):
    """Of the columns from the left, and of the rows from below."""
    values = {param["name"]: param.get("value") for param in comparison(known).spec["params"]}
    return values["columnLabels"], values["rowLabels"]


def name_of(variant):
    return ", ".join(f"{key} = {value}" for key, value in variant.settings.items())


def test_a_map_has_each_variant_once_in_its_place_with_its_value():
    """A group of rows for each geometry, the first one above; q from the left, l from below; differences computed here."""
    known = compared()
    found = cells(known)
    assert len(found) == len(known.variants) == 50
    columns, rows = labels(known)
    best = max(variant.value for variant in known.variants)
    for variant in known.variants:
        cell, (q, l, geometry) = found[name_of(variant)], variant.settings.values()
        assert (columns[cell["column"]], rows[cell["row"]]) == (str(q), f"{geometry}, {l}")
        assert cell["row"] == l + 5 * (geometry == "sphere")
        behind = best - variant.value
        assert cell["text"] == ("0" if not behind else f"−{behind:.1f}" if behind < 99.95 else f"−{behind:.0f}")
        assert cell["told"].endswith(cell["text"])
    assert comparison(known).spec["encoding"]["x"]["title"] == "q"
    assert comparison(known).spec["encoding"]["y"]["title"] == "geometry, l"


def test_a_better_variant_has_no_worse_colour():
    """From the first shade, which the best has, to the last, which the worst has; the good ones differ too."""
    known = compared(changes={(0, 0, "sphere"): -1e5})
    found = cells(known)
    shades = [found[name_of(v)]["shade"] for v in sorted(known.variants, key=lambda variant: -variant.value)]
    assert shades == sorted(shades)
    assert (shades[0], shades[-1]) == (0, 6)
    assert len(set(shades)) >= 5


@pytest.mark.parametrize("settings", [(1, 2, "sphere"), (3, 0, "homogeneous"), (0, 4, "sphere")])
def test_the_chosen_cell_has_the_only_outline(settings):
    """Whether or not it is the best."""
    chosen = dict(zip(("q", "l", "geometry"), settings, strict=True))
    marked = [name for name, cell in cells(compared(chosen=chosen)).items() if cell["marked"]]
    assert marked == [", ".join(f"{key} = {value}" for key, value in chosen.items())]


def test_what_could_not_be_computed_has_a_cross_and_is_said():
    """No number, no shade; infinite values are none either."""
    lost = {(0, 0, "sphere"): nan, (4, 1, "homogeneous"): inf, (2, 2, "sphere"): -inf}
    known = compared(changes=lost)
    unknown = {cell["told"] for cell in cells(known).values() if cell["text"] == "×"}
    assert unknown == {f"q = {q}, l = {l}, geometry = {g}: not computed" for q, l, g in lost}
    assert all(cell["shade"] is None for cell in cells(known).values() if cell["text"] == "×")
    assert "A cross stands for a variant that could not be computed." in comparison(known).reading
    assert comparison(known).finding.endswith(" 3 variants could not be computed.")
    assert "cross" not in comparison(compared()).reading


def test_what_was_not_compared_has_an_empty_cell():
    """A cell that is missing is not one that failed."""
    whole = compared(geometries=("sphere",))
    known = Comparison(whole.criterion, whole.variants[1:-1], whole.chosen)
    empty = [cell for cell in comparison(known).spec["data"]["values"] if cell["told"] == "not compared"]
    assert [(cell["shade"], cell["text"]) for cell in empty] == [(None, "")] * 2
    assert len(comparison(known).spec["data"]["values"]) == 25


@pytest.mark.parametrize("chosen", [0, 3])
def test_one_setting_has_a_table(chosen):
    """From the best value to the worst, and then what could not be computed; the chosen one is marked."""
    plot = comparison(rows_of(-12.5, -11.25, nan, -20.0, -40.0, chosen=chosen))
    assert plot.spec is None
    assert list(plot.table.headings) == ["n", "log evidence", "Difference", ""]
    expected = [
        ("1", "−11.25", "0"),
        ("0", "−12.5", "−1.2"),
        ("3", "−20", "−8.8"),
        ("4", "−40", "−28.8"),
        ("2", "not computed", ""),
    ]
    assert [tuple(row) for row in plot.table.rows] == [(*row, "chosen" * (row[0] == str(chosen))) for row in expected]


def test_other_settings_have_a_table_of_the_best():
    """Forty of them from the best to the worst, and the chosen one wherever it ranks."""
    variants = [
        Variant({"kernel": kernel, "loss": loss, "order": order}, -float(7 * i % 48))
        for i, (kernel, loss, order) in enumerate(product(("rbf", "cosine"), ("L1", "L2"), range(12)))
    ]
    ranked = sorted(variants, key=lambda variant: -variant.value)
    # Three settings of which two are words: no map.
    for chosen, listed in ((ranked[4], ranked[:40]), (ranked[44], [*ranked[:40], ranked[44]])):
        plot = comparison(Comparison("log evidence", tuple(variants), chosen.settings))
        assert [row[:3] for row in plot.table.rows] == [[str(value) for value in v.settings.values()] for v in listed]
        assert [row[-1] for row in plot.table.rows] == ["chosen" if v is chosen else "" for v in listed]
        assert "The table has the best 40 of 48." in plot.reading


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
    """And a table elsewhere: nothing is hidden behind another."""
    known = Comparison("score", tuple(Variant(s, -float(i)) for i, s in enumerate(variants)), variants[0])
    assert "same" not in comparison(known).table.headings
    assert len(cells(known)) == (len(variants) if mapped else 0)
    assert len(comparison(known).table.rows) == min(len(variants), 40)


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
def test_hard_comparisons_have_finite_numbers_and_names_that_can_be_drawn(name):
    """In the map; what a user named is shortened there, and without characters that SVG cannot hold."""
    plot = comparison(HARD[name])
    json.dumps(plot.spec, allow_nan=False)
    # The chosen one, which ranks below the best, is there too.
    assert len(plot.table.rows) == min(len(HARD[name].variants), 40) + (name == "many values")
    if plot.spec:
        for text in [*chain(*labels(HARD[name])), *(plot.spec["encoding"][side]["title"] for side in "xy")]:
            assert len(text) <= 28
            assert text.isprintable()


def test_differences_beyond_the_largest_number_are_told():
    """As that number."""
    assert [row[-2] for row in comparison(HARD["huge"]).table.rows] == ["0", "−1.7e+308", "−1.8e+308"]


def test_nothing_compared_is_no_plot():
    """As there is nothing to draw."""
    assert comparison(Comparison("log evidence", (), {})) is None
