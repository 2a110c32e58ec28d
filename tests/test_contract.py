"""docs/contract.md: every line of it is held by a test."""

import re

from reference import ROOT

ROWS = [
    line
    for line in (ROOT / "docs/contract.md").read_text().splitlines()
    if line.startswith("| ") and not line.startswith("| what the platform")
]


def test_every_line_names_tests_that_exist():
    """By file and name."""
    assert len(ROWS) > 40
    for row in ROWS:
        tests = re.findall(r"`([\w/]+\.py)::(test_\w+)`", row)
        assert tests, row
        for file, name in tests:
            assert f"\ndef {name}(" in (ROOT / "tests" / file).read_text(), f"{file}::{name}"
