"""The application without a server: a predictor of a small model, and requests to it."""

from reporting import Lines

from gaussian_processes.arc_cosine import Hyperparameters, algorithm
from gaussian_processes.data.dataset import Dataset, Source
from gaussian_processes.self_test import SelfTest
from gaussian_processes.serving.http.application import Service, create_app
from gaussian_processes.serving.models.predictor import Predictor
from gaussian_processes.storage.model_file import Artifact

ROWS = "1,2\n3,4\n"


def predictor_of(X, y, **hyperparameters):
    dataset = Dataset(X, y, (Source("a", len(y)),))
    model = algorithm.fit(dataset, Hyperparameters(**hyperparameters), Lines())
    test = SelfTest.of(algorithm, model, dataset)
    return Predictor(algorithm, model, Artifact(algorithm.name, X.shape[1], {}, {}, test))


def client_of(predictor, **parts):
    return create_app(algorithm, predictor, Service(**parts)).test_client()


def post(client, body=ROWS, content_type="text/csv", **headers):
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return client.post("/invocations", data=body, content_type=content_type, headers=named)
