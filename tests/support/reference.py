"""Numbers that do not come from the code under test."""

import csv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests/data"


def read_reference(name):
    """A table of tests/data as dictionaries, numbers as floats where they are numbers."""
    with (DATA / name).open(newline="") as stream:
        return list(csv.DictReader(stream))
