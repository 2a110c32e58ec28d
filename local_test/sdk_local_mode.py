"""Train, deploy, predict and transform with SageMaker's Python SDK in local mode: on this machine, with no AWS account.

    python local_test/sdk_local_mode.py IMAGE [FOLDER]

It needs `pip install 'sagemaker[local]<3'`, docker-compose or version 2 of docker compose, and the image. What it writes
is in FOLDER, or in a temporary one. Local mode reads nothing that lies below /root, /etc or /var/lib.
"""

import logging
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ["SAGEMAKER_SUPPRESS_V2_WARNING"] = "1"

import boto3
import pandas as pd
from sagemaker.deserializers import CSVDeserializer, JSONDeserializer, NumpyDeserializer
from sagemaker.estimator import Estimator
from sagemaker.local import LocalSession
from sagemaker.predictor import Predictor
from sagemaker.serializers import CSVSerializer, JSONSerializer, NumpySerializer

HERE = Path(__file__).resolve().parent
CHANNELS = {name: f"file://{HERE}/test_dir/diabetes/input/data/{name}" for name in ("training", "validation")}
PAYLOAD = HERE / "payload.csv"
SETTINGS = {"q": 1, "l": 0, "sigma2": 0.5, "bias": 1.0, "feature_scaling": "standard", "target_scaling": "standard"}
LABEL = "gaussian-processes.sdk-local-mode"  # by which the containers are found again


def estimator(image: str, folder: Path, **changes) -> Estimator:
    """The job. On SageMaker it has a role, another instance type, an output path in S3, and a session with your keys."""
    no_telemetry = {"SchemaVersion": "1.0", "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}}}
    session = LocalSession(boto3.Session("none", "none", region_name="eu-west-1"), sagemaker_config=no_telemetry)
    with socket.socket() as probe:
        probe.bind(("", 0))
        local = {"local_code": True, "container_root": str(folder), "serving_port": probe.getsockname()[1]}
    session.config = {"local": {**local, "container_config": {"labels": {LABEL: str(folder)}}}}
    job = {"role": "arn:aws:iam::000000000000:role/none", "instance_count": 1, "instance_type": "local"}
    here = {"output_path": f"file://{folder}/output", "sagemaker_session": session, "hyperparameters": SETTINGS}
    return Estimator(image, **{**job, **here, **changes})


def predict(trained: Estimator) -> pd.DataFrame:
    """What an endpoint answers in three formats; it is deleted whatever happens."""
    rows = pd.read_csv(PAYLOAD, header=None).to_numpy()
    wanted = JSONDeserializer(accept='application/json;outputs="mean,std,interval";level=0.95')
    formats = (CSVSerializer(), CSVDeserializer()), (NumpySerializer(), NumpyDeserializer()), (JSONSerializer(), wanted)
    endpoint = trained.deploy(1, "local", wait=False)  # local mode waits by itself
    try:
        predictors = [Predictor(endpoint.endpoint_name, endpoint.sagemaker_session, *pair) for pair in formats]
        csv, array, json = [predictor.predict(rows) for predictor in predictors]
    finally:
        endpoint.delete_endpoint()
    return pd.DataFrame({"CSV": pd.DataFrame(csv, dtype=float)[0], "NumPy": array, **pd.DataFrame(json["predictions"])})


def transform(trained: Estimator, folder: Path, strategy: str) -> pd.DataFrame:
    """What a batch job answers to each record. Local mode adds empty lines, which are passed over."""
    batch = trained.transformer(1, "local", strategy, assemble_with="Line", output_path=f"file://{folder}/{strategy}")
    batch.transform(f"file://{PAYLOAD}", content_type="text/csv", split_type="Line", logs=False)
    return pd.read_csv(folder / strategy / f"{PAYLOAD.name}.out", names=[strategy])


def tidy(image: str, folder: Path) -> None:
    """Remove the containers, which local mode leaves, and give to the folder's owner what they wrote as root."""
    listed = ["docker", "ps", "--all", "--quiet", "--filter", f"label={LABEL}={folder}"]
    for container in subprocess.check_output(listed, text=True).split():
        subprocess.check_output(["docker", "rm", "--force", container])
    mounted = ["docker", "run", "--rm", "--volume", f"{folder}:/folder", image]
    subprocess.run([*mounted, "chown", "--recursive", "--reference=/folder", "/folder"], check=False)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    logging.disable(logging.WARNING)
    image, folder = sys.argv[1], Path(sys.argv[2] if len(sys.argv) > 2 else tempfile.mkdtemp()).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        trained = estimator(image, folder)
        trained.fit(CHANNELS)
        answers = predict(trained)
        batches = [transform(trained, folder, strategy) for strategy in ("MultiRecord", "SingleRecord")]
    finally:
        tidy(image, folder)
    print(f"{pd.concat([answers, *batches], axis=1).to_string()}\nThe model and the report are in {folder}/output.")
