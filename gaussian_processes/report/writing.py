"""Writing: the files of a report."""

import json
from pathlib import Path

from gaussian_processes.report.account import Account
from gaussian_processes.storage.atomic import write_by_rename


def write_report(account: Account, directory: Path) -> tuple[Path, ...]:
    """Write metrics.json, and then report.html with all plots.

    Returns:
        The files, in the order of writing.

    Raises:
        OSError: one of them cannot be written.
    """
    # What draws takes as long to load as it takes to draw: a job that ends before its report does not wait for it.
    from gaussian_processes.report.page import page  # noqa: PLC0415

    directory.mkdir(parents=True, exist_ok=True)
    document = json.dumps(account.document(), indent=2, ensure_ascii=False, allow_nan=False)
    contents = {"metrics.json": f"{document}\n", "report.html": page(account)}
    for name, content in contents.items():
        with write_by_rename(directory / name) as stream:
            stream.write(content.encode("utf-8", "backslashreplace"))
    return tuple(directory / name for name in contents)
