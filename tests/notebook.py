"""Runs a notebook, headless, with AWS's own clients; `python notebook.py NOTEBOOK SERVICE` prints a line of JSON.

All requests go to SERVICE. The line has the requests as they were made, and each cell's error if there was one.
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
        notebook.cells.insert(0, nbformat.v4.new_code_cell(RECORDER.format(path=str(record)), id="recorder"))
        os.environ.update(AWS_ENDPOINT_URL=service, AWS_ACCESS_KEY_ID="none", AWS_SECRET_ACCESS_KEY="none", HOME=folder)
        NotebookClient(notebook, timeout=120, allow_errors=True).execute()
        requests = [json.loads(line) for line in record.read_text().splitlines()]
    errors = {
        cell.id: f"{output.ename}: {output.evalue}"
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "error"
    }
    return {"requests": requests, "errors": errors}


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], sys.argv[2])))
