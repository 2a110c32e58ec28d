"""What goes into the image is locked by hash, and audited."""

import json
import os
import re
import socket
import subprocess
import sys
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from locks import REQUIREMENTS, in_image, locked

LOCKS = ("image.txt", "development.txt", "aws.txt")
ENVIRON = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_is_locked_to_one_version_with_its_hashes(name):
    """And to no index: whoever installs them chooses where from."""
    entries = locked(name)
    assert len(entries) > 20
    assert all(re.fullmatch(r"==[^,*]+", str(one.specifier)) and hashes for one, hashes in entries)
    assert "://" not in (REQUIREMENTS / name).read_text()


def test_the_image_has_what_was_tested():
    """The development lock has the same versions."""
    image, tested = ({(one.name, str(one.specifier)) for one, _ in locked(name)} for name in LOCKS[:2])
    assert image <= tested


@contextmanager
def vulnerability_service(known):
    """A stand-in for OSV, which knows what is wrong with some packages; yields its address and what it was asked."""
    asked = {}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            name = query.get("package", {}).get("name")
            asked[name] = query.get("version")
            body = json.dumps({"vulns": known[name]} if name in known else {}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1/query", asked
        finally:
            server.shutdown()


def audit(service, cache):
    environ = {**ENVIRON, "XDG_CACHE_HOME": str(cache)}
    command = [str(REQUIREMENTS / "audit"), service]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)


def test_the_audit_asks_about_every_package_of_the_image(tmp_path):
    """In the version that is locked; where nothing is known the exit code is 0."""
    with vulnerability_service({}) as (service, asked):
        done = audit(service, tmp_path)
    assert done.returncode == 0, done.stderr
    asked.pop(None)
    assert asked == in_image()


def test_the_audit_names_what_is_vulnerable(tmp_path):
    """The package, the advisory, and the version in which it is mended."""
    ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.1"}]}]
    package = {"ecosystem": "PyPI", "name": "flask"}
    advisory = {"id": "PYSEC-2026-9999", "affected": [{"package": package, "ranges": ranges}]}
    with vulnerability_service({"flask": [advisory]}) as (service, _):
        done = audit(service, tmp_path)
    assert done.returncode == 1
    assert re.search(rf"flask +{in_image()['flask']} +PYSEC-2026-9999 +99\.1", done.stdout)


def test_an_audit_that_cannot_be_made_is_not_passed(tmp_path):
    """Nobody answers: an exit code of its own, and the reason."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        done = audit(f"http://127.0.0.1:{closed.getsockname()[1]}/", tmp_path)
    assert done.returncode == 3
    assert "cannot be asked: curl" in done.stderr
