"""Writing: the files of a report."""

import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from gaussian_processes.files import write_by_rename
from gaussian_processes.report.account import Account

PLOTS = ("predicted_against_actual", "residuals", "calibration", "comparison", "learned_hyperparameters", "timings")
ZOOM = 2.0  # pixels for each unit of a figure


def write_report(account: Account, directory: Path) -> tuple[Path, ...]:
    """Write metrics.json, a PNG file for each plot that can be drawn, and report.html with all of them, the last.

    A plot that an earlier report left there and that this one lacks is removed.

    Returns:
        The files, in the order of writing.

    Raises:
        OSError: one of them cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for name in PLOTS:
        (directory / f"{name}.png").unlink(missing_ok=True)
    written = []
    for name, content in _files(account):
        with write_by_rename(directory / name) as stream:
            stream.write(content)
        written.append(directory / name)
    return tuple(written)


def _files(account: Account) -> Iterator[tuple[str, bytes]]:
    # What draws takes as long to load as it takes to draw: a job that ends before its report does not wait for it.
    from resvg_py import svg_to_bytes  # noqa: PLC0415

    from gaussian_processes.report.contents import contents_of  # noqa: PLC0415
    from gaussian_processes.report.page import page, standalone  # noqa: PLC0415

    document = json.dumps(account.document(), indent=2, ensure_ascii=False, allow_nan=False)
    yield "metrics.json", f"{document}\n".encode("utf-8", "backslashreplace")
    contents = contents_of(account)
    fonts = str(files("fontpkg_inter") / "files")
    for plot in contents.plots:
        # The machine's fonts would make the same report look different elsewhere.
        yield f"{plot.name}.png", svg_to_bytes(standalone(plot), zoom=ZOOM, skip_system_fonts=True, font_dirs=[fonts])
    yield "report.html", page(account, contents).encode("utf-8", "backslashreplace")
