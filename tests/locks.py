"""The lock files, read."""

import re

from packaging.requirements import Requirement
from reference import ROOT

REQUIREMENTS = ROOT / "requirements"


def locked(name):
    """Requirements and how many hashes each has."""
    entries = re.split(r"\n(?=\S)", (REQUIREMENTS / name).read_text().strip().replace("\\\n", " "))
    return [(Requirement(entry.split("--hash")[0].strip()), entry.count("--hash=sha256:")) for entry in entries]


def in_image():
    """Name and version of the packages that are installed on Linux."""
    here = [one for one, _ in locked("image.txt") if one.marker is None or one.marker.evaluate()]
    return {one.name: str(one.specifier).removeprefix("==") for one in here}
