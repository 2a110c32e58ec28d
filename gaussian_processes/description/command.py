"""Command line: print what the image is, in the words of AWS's requests."""

import argparse
import json
import platform
import re
import sys
from collections.abc import Mapping, Sequence
from typing import TextIO

from gaussian_processes.algorithm import load_algorithm
from gaussian_processes.description.markdown import table_of
from gaussian_processes.description.specification import describe
from gaussian_processes.errors import ConfigurationError, ExplainedError

ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
PLACEHOLDER = "ACCOUNT.dkr.ecr.REGION.amazonaws.com/replace-with-the-address-of-your-image:TAG"


def main(arguments: Sequence[str], environ: Mapping[str, str], stdout: TextIO) -> int:
    """Parse the command line and print; the exit code."""
    parser = argparse.ArgumentParser(
        prog="describe", description="Print, in JSON, the parts of AWS requests that follow from the algorithm."
    )
    parser.add_argument("image", nargs="?", default=PLACEHOLDER, help="the image's address, for TrainingImage")
    parser.add_argument("--table", action="store_true", help="print the hyperparameters as a table in Markdown instead")
    given = parser.parse_args(arguments)
    try:
        algorithm = load_algorithm(environ)
        if given.table:
            print(table_of(algorithm.hyperparameters), file=stdout)
        else:
            description = describe(algorithm, _address(given.image), _architecture(environ.get("PLATFORM")))
            print(json.dumps(description, indent=2, ensure_ascii=False), file=stdout)
    except ExplainedError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def _architecture(built_for: str | None) -> str:
    """The image's architecture: that of PLATFORM, as build_and_push.sh takes it, or else this machine's."""
    found = built_for or platform.machine()
    for part in found.lower().split("/"):
        if part in ARCHITECTURES:
            return ARCHITECTURES[part]
    raise ConfigurationError(f"PLATFORM is {found[:40]!r}; linux/amd64 or linux/arm64 is wanted.")


def _address(image: str) -> str:
    if not re.fullmatch(r"\S{1,255}", image):
        raise ConfigurationError(
            f"The image's address is {image[:40]!r}; 1 to 255 characters without a space are wanted, such as the last "
            "line that build_and_push.sh prints."
        )
    return image
