"""Runs a notebook, headless; `python notebook.py NOTEBOOK [SERVICE]` prints a line of JSON.

With SERVICE, AWS's own clients send all their requests there. The line has those requests as they were made, and what the
cells left: errors, text, warnings, pictures.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

# Run in the kernel before the notebook: what botocore is given is written down, and nobody waits for minutes.
RECORDER = """
import json, time
import botocore.client

def _recorded(self, operation, parameters, _call=botocore.client.BaseClient._make_api_call):
    with open({path!r}, "a") as file:
        service = self.meta.service_model.service_name
        print(json.dumps([service, operation, parameters], default=repr), file=file)
    return _call(self, operation, parameters)

botocore.client.BaseClient._make_api_call = _recorded
time.sleep = lambda seconds, _sleep=time.sleep: _sleep(min(seconds, 0.01))
"""


def run(path, service):
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder, "requests")
        record.touch()
        if service:
            recorder = nbformat.v4.new_code_cell(RECORDER.format(path=str(record)), id="recorder")
            notebook.cells.insert(0, recorder)
            keys = {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none"}
            os.environ.update(AWS_ENDPOINT_URL=service, HOME=folder, **keys)
        NotebookClient(notebook, timeout=600, allow_errors=True).execute()
        requests = [json.loads(line) for line in record.read_text().splitlines()]
    return {"requests": requests, **left_by([cell for cell in notebook.cells if cell.cell_type == "code"])}


def left_by(cells):
    """By the cells' names."""
    outputs = [(cell.id, output) for cell in cells for output in cell.outputs]
    streams = [(name, output) for name, output in outputs if output.output_type == "stream"]
    return {
        "errors": {name: f"{out.ename}: {out.evalue}" for name, out in outputs if out.output_type == "error"},
        "printed": joined((name, output.text) for name, output in streams if output.name == "stdout"),
        "warned": joined((name, output.text) for name, output in streams if output.name == "stderr"),
        "pictures": [name for name, output in outputs if "image/png" in output.get("data", {})],
    }


def joined(texts):
    found = {}
    for name, text in texts:
        found[name] = found.get(name, "") + text
    return found


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)))
