"""A headless browser: how a page looks to one, and what it asks the network for."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
SWITCHES = (
    "--headless=new",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--allow-file-access-from-files",  # for the page that measures, not for the page that is measured
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND",  # nothing is reached, whatever asks
    "--enable-logging=stderr",
    "--virtual-time-budget=10000",
    "--dump-dom",
)
# Frames of the widths in question, and in the end what was found in each, as text.
MEASURE = """<!doctype html><title>measure</title><body>%(frames)s<pre id=found></pre><script>
onload = () => {
  document.getElementById('found').textContent = JSON.stringify([...document.querySelectorAll('iframe')].map(frame => {
    const page = frame.contentDocument
    const images = [...page.querySelectorAll('svg, img')].map(image => image.getBoundingClientRect())
    return {
      text: page.body.innerText,
      values: [...page.querySelectorAll('data')].map(data => data.value),
      images: images.map(box => [box.width, box.height]),
      overflow: page.documentElement.scrollWidth - frame.clientWidth,
      background: frame.contentWindow.getComputedStyle(page.documentElement).backgroundColor,
    }
  }))
}
</script>"""


@dataclass(frozen=True)
class View:
    """A page in a window of one width."""

    text: str
    values: list[str]
    images: list[tuple[float, float]]
    overflow: float
    background: str


@dataclass(frozen=True)
class Visit:
    """A page in windows of several widths; what the console said; what was asked of the network."""

    views: list[View]
    console: list[str]
    requests: list[str]


def visit(page: Path, folder: Path, windows: list[tuple[int, str]]) -> Visit:
    """Look at a page in windows of the given widths and colour schemes; skip the test where there is no browser."""
    browser = next(filter(None, map(shutil.which, NAMES)), None)
    if browser is None:
        pytest.skip(f"there is no browser on PATH: {', '.join(NAMES)}")
    frames = "".join(
        f'<iframe src="{page.as_uri()}" style="width:{width}px;height:900px;border:0;color-scheme:{scheme}"></iframe>'
        for width, scheme in windows
    )
    measuring, log = folder / "measure.html", folder / "network.json"
    measuring.write_text(MEASURE % {"frames": frames})
    root = ["--no-sandbox"] if os.getuid() == 0 else []
    command = [browser, *SWITCHES, *root, f"--user-data-dir={folder / 'profile'}", f"--log-net-log={log}"]
    done = subprocess.run([*command, measuring.as_uri()], capture_output=True, text=True, timeout=120, check=True)
    found = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found, done.stdout
    console = [line for line in done.stderr.splitlines() if ":CONSOLE" in line]
    asked = [event.get("params", {}) for event in json.loads(log.read_text())["events"]]
    # What the browser asks for on its own account has no origin.
    requests = {params["url"] for params in asked if params.get("initiator", "not an origin") != "not an origin"}
    return Visit([View(**view) for view in json.loads(unescape(found[1]))], console, sorted(requests))
