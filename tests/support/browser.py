"""A headless browser, driven by the DevTools protocol: what a page shows, what a mouse does to it, and what it asks for."""

import json
import os
import shutil
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from select import select

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
SWITCHES = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--no-proxy-server",
    "--disable-features=IsolateSandboxedIframes",  # so that one session sees what is in them
    "--host-resolver-rules=MAP * ~NOTFOUND",  # nothing is reached, whatever asks
)
POINTS = """[...document.querySelectorAll("#plot-%s path[aria-roledescription=point]")].map(point => {
  const {x, y, width, height} = point.getBoundingClientRect()
  const [label, fill, opacity] = ["aria-label", "fill", "opacity"].map(name => point.getAttribute(name))
  return {x: x + width / 2, y: y + height / 2, label, fill, opacity}
})"""
SECONDS = 20.0  # of waiting for an answer, or for a page


class Browser:
    """Pages in a browser, one after the other.

    Since the last `visit`, `console` has what the page complained of, `requests` what it asked for beside files, and
    `contexts` the frames in which scripts run, by the number of their context.
    """

    def __init__(self, reads, writes):
        self._reads, self._writes = reads, writes
        self._received, self._number, self._session = b"", 0, None
        self.console, self.requests, self.contexts = [], [], {}
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method, **parameters):
        """The result of a method of the protocol."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._writes, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._number:
            pass
        assert "error" not in answer, answer
        return answer["result"]

    def visit(self, page, width=1400, scheme="light", *, scripts=True):
        """Open a file in a window of this width and colour scheme, and wait until its plots are drawn."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=features)
        self.call("Page.navigate", url="about:blank")
        self.console, self.requests, self.contexts = [], [], {}
        self.call("Page.navigate", url=page if isinstance(page, str) else page.as_uri())
        self.wait("document.readyState === 'complete'")
        if scripts:
            self.wait("!document.querySelector('.plot') || document.documentElement.dataset.plots")

    def wait(self, expression, **where):
        """Until an expression holds in the page."""
        end = time.monotonic() + SECONDS
        while not self.eval(expression, **where):
            assert time.monotonic() < end, (expression, self.console)
            time.sleep(0.02)

    def eval(self, expression, **where):
        """The value of a JavaScript expression in the page, or in the one of `contexts` that is named as contextId."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True, **where)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def mouse(self, kind, x, y, **more):
        """`kind` is moved, pressed or released."""
        button = {"button": "left", "buttons": 1, "clickCount": 1} if kind != "moved" else {}
        self.call("Input.dispatchMouseEvent", type=f"mouse{kind.capitalize()}", x=x, y=y, **button | more)

    def drag(self, begin, end, steps=4):
        """From one point of the window to another, in steps."""
        self.mouse("moved", *begin)
        self.mouse("pressed", *begin)
        for step in range(1, steps + 1):
            at = [a + (b - a) * step / steps for a, b in zip(begin, end, strict=True)]
            self.mouse("moved", *at, button="left", buttons=1)
        self.mouse("released", *end)

    def points(self, plot):
        """Scroll a plot into the window: where each of its points is there, with its label, fill and opacity."""
        self.eval(f"document.getElementById({plot!r}).scrollIntoView()")
        return self.eval(POINTS % plot)

    def _next(self):
        while b"\0" not in self._received:
            assert select([self._reads], [], [], SECONDS)[0], "the browser does not answer"
            received = os.read(self._reads, 1 << 20)
            assert received, "the browser has ended"
            self._received += received
        first, _, self._received = self._received.partition(b"\0")
        message = json.loads(first)
        parameters = message.get("params", {})
        match message.get("method"):
            case "Runtime.consoleAPICalled":
                self.console.append(" ".join(str(one.get("value", one)) for one in parameters["args"]))
            case "Runtime.exceptionThrown":
                self.console.append(parameters["exceptionDetails"]["exception"].get("description", "exception"))
            case "Log.entryAdded":
                self.console.append(parameters["entry"]["text"])
            case "Runtime.executionContextCreated":
                self.contexts[parameters["context"]["id"]] = parameters["context"]["auxData"]["frameId"]
            case "Network.requestWillBeSent":
                url = parameters["request"]["url"]
                if not url.startswith(("file:", "data:", "about:")):
                    self.requests.append(url)
        return message


@contextmanager
def browse(folder: Path):
    """A browser with its profile in a folder; the test is skipped where there is no browser."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip(f"there is no browser on PATH: {', '.join(NAMES)}")
    root = ["--no-sandbox"] if os.getuid() == 0 else []
    command = [program, *SWITCHES, *root, f"--user-data-dir={folder / 'profile'}", "about:blank"]
    from_us, writes = os.pipe()
    reads, to_us = os.pipe()
    # The protocol is spoken on descriptors 3 and 4, each message ended by a zero byte: no port, and no other client.
    redirected = ["bash", "-c", f'exec "$@" 3<&{from_us} 4>&{to_us}', "bash", *command]
    with (folder / "browser.log").open("wb") as log:
        process = subprocess.Popen(redirected, pass_fds=(from_us, to_us), stdout=log, stderr=log)
    os.close(from_us)
    os.close(to_us)
    try:
        yield Browser(reads, writes)
    finally:
        with suppress(OSError):
            os.close(writes)
        process.terminate()
        process.wait(timeout=30)
        os.close(reads)
