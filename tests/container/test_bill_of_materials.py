"""The bill of materials of the real image."""

import json
import subprocess
import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from locks import REQUIREMENTS, in_image
from processes import docker

from gaussian_processes.report.page import vega_scripts


def bill(*arguments):
    command = [sys.executable, str(REQUIREMENTS / "sbom"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_the_bill_of_materials_lists_what_is_in_the_image(image):
    """It is valid CycloneDX 1.6, with every locked package, every package of Debian and Vega's scripts, and names the image."""
    done = bill(image)
    assert done.returncode == 0, done.stderr
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(done.stdout) is None
    listed = json.loads(done.stdout)
    addresses = {component["purl"] for component in listed["components"]}
    # Those two have compiled what there was to compile when the image was built.
    version_there = docker("run", "--rm", image, "python3", "-c", "import platform; print(platform.python_version())")
    locked = in_image(version_there.stdout.strip())
    there = {name: version for name, version in locked.items() if name not in {"llvmlite", "numba"}}
    python = {f"pkg:pypi/{name}@{version}" for name, version in there.items()}
    assert {one for one in addresses if one.startswith("pkg:pypi/")} == python
    vega = {f"pkg:npm/{name}@{script['version']}" for name, script in vega_scripts().items()}
    assert {one for one in addresses if one.startswith("pkg:npm/")} == vega
    installed = docker("run", "--rm", image, "bash", "-c", "ls /var/lib/dpkg/info/*.list | wc -l").stdout
    assert sum(one.startswith("pkg:deb/debian/") for one in addresses) == int(installed)
    assert listed["metadata"]["component"]["bom-ref"] == docker("inspect", image, "--format", "{{.Id}}").stdout.strip()


def test_a_bill_of_an_unknown_image_is_refused(image):
    """In the engine's words."""
    done = bill(f"{image}-that-nobody-has-built")
    assert done.returncode == 1
    assert "No such image" in done.stderr
    assert done.stdout == ""
