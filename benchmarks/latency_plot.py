"""Latency plot: a panel for each quantile, a line for each server, drawn as the report's figures are."""

import math
from importlib.resources import files

from load import QUANTILES

import numpy as np
from resvg_py import svg_to_bytes

from gaussian_processes.report.figure import Axis, Figure, Frame, Key, Label, Panel
from gaussian_processes.report.page import standalone
from gaussian_processes.report.plot import Plot
from gaussian_processes.report.writing import ZOOM

COLOURS = {
    "ours, text/csv": "#2b6cb0",
    "ours, application/x-npy": "#7fb2e5",
    "Flask, sync workers, text/csv": "#d4570b",
    "MLServer, V2 tensors": "#3f4a59",
}
TITLES = {"p50": "p50: half of the answers take less", "p90": "p90", "p99": "p99", "max": "max: the slowest answer"}
WIDTH, HEIGHT = 300.0, 190.0  # of a panel
LEFT, TOP, BETWEEN, BELOW = 62.0, 52.0, 62.0, 84.0


def draw(path, connections, latencies, title):
    """Write a PNG file.

    Args:
        path: of the file.
        connections: (n,)
        latencies: by a name in COLOURS, (n, quantiles) in milliseconds.
        title: of the whole.
    """
    every = np.concatenate(list(latencies.values()))
    x = Axis(
        "connections, each with one request at a time",
        -0.1,
        math.log10(connections[-1]) + 0.1,
        np.log10(connections),
        list(map(str, connections)),
    )
    low, high = math.log10(every.min()) - 0.1, math.log10(every.max()) + 0.1
    panels = []
    for number, quantile in enumerate(QUANTILES):
        across, down = number % 2, number // 2
        y = decades("latency, ms" if not across else " ", low, high)
        left, top = LEFT + across * (WIDTH + BETWEEN), TOP + down * (HEIGHT + BELOW)
        frame = Frame(left, top, WIDTH, HEIGHT, x, y)
        marks = [Label(left, top - 8, TITLES[quantile])]
        for name, values in latencies.items():
            series = np.log10(connections), np.log10(values[:, number])
            marks += [frame.line(kind(name), *series), frame.dots(kind(name), *series)]
        panels.append(Panel(frame, tuple(marks)))
    keys = tuple(Key(kind(name), "line", name) for name in latencies)
    size = (LEFT + 2 * WIDTH + BETWEEN + 20, TOP + 2 * HEIGHT + BELOW + 50)
    svg = standalone(Plot("latency", title, "", "", Figure(*size, tuple(panels), keys)))
    styles = "".join(
        f".plot path.{kind(name)} {{ stroke: {colour}; stroke-width: 1.75; }} .plot g.{kind(name)} {{ fill: {colour}; }}\n"
        for name, colour in COLOURS.items()
    )
    fonts = str(files("fontpkg_inter") / "files")
    image = svg_to_bytes(
        svg.replace("</style>", f"{styles}</style>"), zoom=ZOOM, skip_system_fonts=True, font_dirs=[fonts]
    )
    path.write_bytes(image)


def kind(name):
    """By which the style sheet knows a line and its dots."""
    return f"server{list(COLOURS).index(name)}"


def decades(title, low, high):
    """Powers of ten in plain digits."""
    powers = range(math.ceil(low), math.floor(high) + 1)
    return Axis(title, low, high, [float(power) for power in powers], [f"{10.0**power:g}" for power in powers])
