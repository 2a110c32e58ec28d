"""SageMaker's Python SDK against a running server: its serializers' requests, and its deserializers' reading of the answers.

Local mode does not show what they refuse: it passes no content type on.
"""

import json
import os
import subprocess

import numpy as np
import pytest
from processes import require_aws_clients, run_train, running_server, write_opt_ml

from gaussian_processes.gp import ArcCosine, TrainedGPModel

ROWS = [[0.5, -1.25], [1.0, 2.0], [-0.75, 0.125]]
# The SDK's own predictor; what stands in for AWS passes headers and bodies on as InvokeEndpoint does.
ASK = """
import io, json, sys, urllib.request
import numpy as np, pandas as pd
from types import SimpleNamespace
from botocore.response import StreamingBody
from sagemaker import deserializers, serializers
from sagemaker.predictor import Predictor

address, cases, rows = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])

def invoke_endpoint(EndpointName, ContentType, Accept, Body):
    body = Body if isinstance(Body, bytes) else Body.encode()
    headers = {"Content-Type": ContentType, "Accept": Accept}
    with urllib.request.urlopen(urllib.request.Request(address, body, headers)) as response:
        answer = response.read()
        return {"Body": StreamingBody(io.BytesIO(answer), len(answer)), "ContentType": response.headers["Content-Type"]}

def plain(value):
    if isinstance(value, pd.DataFrame):
        return {"columns": list(value.columns), "values": value.to_numpy().tolist()}
    if isinstance(value, tuple):  # a stream and its type
        return [value[0].read().decode(), value[1]]
    if isinstance(value, bytes):
        return value.decode()
    return value.tolist() if isinstance(value, np.ndarray) else value

session = SimpleNamespace(sagemaker_runtime_client=SimpleNamespace(invoke_endpoint=invoke_endpoint))
for serializer, deserializer, accept in cases:
    if serializer == "IdentitySerializer":
        sending, data = serializers.IdentitySerializer(content_type="text/csv"), pd.DataFrame(rows).to_csv(header=False, index=False)
    else:
        sending, data = getattr(serializers, serializer)(), np.array(rows) if serializer != "JSONLinesSerializer" else rows
    receiving = getattr(deserializers, deserializer)(**({"accept": accept} if accept else {}))
    try:
        print(json.dumps(plain(Predictor("endpoint", session, sending, receiving).predict(data))))
    except ValueError as error:
        print(json.dumps(f"failed: {error}"))
"""
SERIALIZERS = ("CSVSerializer", "JSONSerializer", "JSONLinesSerializer", "NumpySerializer", "IdentitySerializer")
# Deserializers with the Accept that they send, their own where it is empty; and the means in what they return.
READ = {
    ("JSONDeserializer", ""): lambda got: [row["mean"] for row in got["predictions"]],
    ("JSONLinesDeserializer", ""): lambda got: [row["mean"] for row in got],
    ("CSVDeserializer", ""): lambda got: [float(mean) for (mean,) in got],
    ("NumpyDeserializer", ""): lambda got: got,
    ("NumpyDeserializer", "text/csv"): lambda got: got,
    ("NumpyDeserializer", "application/json"): lambda got: [row["mean"] for row in got["predictions"]],
    # It takes a first line for a header.
    ("PandasDeserializer", "text/csv"): lambda got: [
        float(mean) for mean in [*got["columns"], *(mean for (mean,) in got["values"])]
    ],
    ("PandasDeserializer", "application/json"): lambda got: [row["mean"] for (row,) in got["values"]],
    ("StringDeserializer", ""): lambda got: [row["mean"] for row in json.loads(got)["predictions"]],
    ("BytesDeserializer", "text/csv"): lambda got: [float(mean) for mean in got.split()],
    ("StreamDeserializer", "text/csv"): lambda got: [float(mean) for mean in got[0].split()],
}


@pytest.fixture(scope="module")
def expected():
    """The rows that are learnt from, and the means of ROWS by the mathematics alone."""
    data = np.random.default_rng(8).normal(size=(40, 3))
    model = TrainedGPModel(data[:, 1:], data[:, 0], ArcCosine(q=1, l=0, bias=1.0), sigma2=0.5)
    return data, model.predict(np.array(ROWS)).tolist()


@pytest.fixture(scope="module")
def answers(tmp_path_factory, expected):
    """What each serializer's request gets by way of each deserializer."""
    sdk = require_aws_clients() / "bin/python"
    text = "".join(",".join(map(repr, row)) + "\n" for row in expected[0].tolist())
    settings = {"q": "1", "l": "0", "bias": "1", "sigma2": "0.5"}
    paths = write_opt_ml(tmp_path_factory.mktemp("sdk"), {"training/a.csv": text}, settings)
    assert run_train(paths).returncode == 0
    cases = [(sending, *receiving) for sending in SERIALIZERS for receiving in READ]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with running_server(paths, {"MODEL_SERVER_WORKERS": "1"}) as server:
        command = [sdk, "-W", "ignore", "-c", ASK, f"http://127.0.0.1:{server.port}/invocations"]
        done = subprocess.run(
            [*command, json.dumps(cases), json.dumps(ROWS)],
            env=environ,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(zip(cases, map(json.loads, done.stdout.splitlines()[-len(cases) :]), strict=True))


@pytest.mark.parametrize("deserializer", READ, ids="-".join)
@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_the_sdk_reads_what_it_asked_for(answers, expected, serializer, deserializer):
    """The means, from every serializer's request to every deserializer's result."""
    got = answers[serializer, *deserializer]
    assert not isinstance(got, str) or "failed" not in got, got
    assert READ[deserializer](got) == pytest.approx(expected[1], rel=1e-9)
