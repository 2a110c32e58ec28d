"""The lock files, read."""

import platform
import re

from packaging.requirements import Requirement
from reference import ROOT

REQUIREMENTS = ROOT / "requirements"
HERE = platform.python_version()


def locked(name):
    """Requirements and how many hashes each has."""
    entries = re.split(r"\n(?=\S)", (REQUIREMENTS / name).read_text().strip().replace("\\\n", " "))
    return [(Requirement(entry.split("--hash")[0].strip()), entry.count("--hash=sha256:")) for entry in entries]


def in_image(python=HERE):
    """Name and version of the packages that are installed on Linux, under that version of Python: older ones need more."""
    there = {"python_full_version": python, "python_version": ".".join(python.split(".")[:2])}
    here = [one for one, _ in locked("image.txt") if one.marker is None or one.marker.evaluate(there)]
    return {one.name: str(one.specifier).removeprefix("==") for one in here}
