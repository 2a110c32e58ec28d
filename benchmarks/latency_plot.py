"""Latency plot: a panel for each quantile, a line for each server."""

from load import QUANTILES

from matplotlib.figure import Figure

COLOURS = {
    "ours, text/csv": "#2b6cb0",
    "ours, application/x-npy": "#7fb2e5",
    "Flask, sync workers, text/csv": "#d4570b",
    "MLServer, V2 tensors": "#3f4a59",
}
TITLES = {"p50": "p50: half of the answers take less", "p90": "p90", "p99": "p99", "max": "max: the slowest answer"}


def draw(path, connections, latencies, title):
    """Write a PNG file.

    Args:
        path: of the file.
        connections: (n,)
        latencies: by a name in COLOURS, (n, quantiles) in milliseconds.
        title: of the whole.
    """
    figure = Figure(figsize=(8, 6.4), layout="constrained")
    panels = figure.subplots(2, 2, sharex=True, sharey=True).flat
    for panel, quantile, number in zip(panels, QUANTILES, range(len(QUANTILES)), strict=True):
        for name, values in latencies.items():
            panel.loglog(connections, values[:, number], marker="o", markersize=4, color=COLOURS[name], label=name)
        panel.set_title(TITLES[quantile], loc="left", fontsize=10)
        panel.set_xticks(connections, [str(count) for count in connections], minor=False)
        panel.minorticks_off()
        panel.yaxis.set_major_formatter("{x:g}")
        panel.grid(visible=True, color="#e6e9ee")
        panel.spines[["top", "right"]].set_visible(False)
    figure.supxlabel("connections, each with one request at a time", fontsize=10)
    figure.supylabel("latency, ms", fontsize=10)
    figure.suptitle(title, x=0.01, horizontalalignment="left")
    figure.legend(
        *figure.axes[0].get_legend_handles_labels(), loc="outside lower left", ncols=2, frameon=False, fontsize=9
    )
    figure.savefig(path, dpi=110)
