"""A server as AWS's "bring your own scikit-learn" example has it: Flask, pandas, one model in each of gunicorn's workers.

gunicorn --chdir benchmarks plain_flask:app
"""

import io

from predicting import load_predict

import flask
import pandas as pd


class ScoringService:
    model = None

    @classmethod
    def get_model(cls):
        if cls.model is None:
            cls.model = load_predict()
        return cls.model

    @classmethod
    def predict(cls, frame):
        return cls.get_model()(frame.to_numpy(dtype=float))["mean"]


app = flask.Flask(__name__)


@app.route("/ping", methods=["GET"])
def ping():
    status = 200 if ScoringService.get_model() is not None else 404
    return flask.Response(response="\n", status=status, mimetype="application/json")


@app.route("/invocations", methods=["POST"])
def transformation():
    if flask.request.content_type != "text/csv":
        return flask.Response(response="This predictor only supports CSV data", status=415, mimetype="text/plain")
    data = flask.request.data.decode("utf-8")
    data = pd.read_csv(io.StringIO(data), header=None)
    print(f"Invoked with {data.shape[0]} records")
    predictions = ScoringService.predict(data)
    out = io.StringIO()
    pd.DataFrame({"results": predictions}).to_csv(out, header=False, index=False)
    return flask.Response(response=out.getvalue(), status=200, mimetype="text/csv")
