"""The same model in MLServer: a custom runtime, with rows and means as tensors of the V2 protocol."""

from predicting import load_predict

from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceResponse


class Runtime(MLModel):
    async def load(self):
        self.predict_rows = load_predict()
        return True

    async def predict(self, payload):
        rows = NumpyCodec.decode_input(payload.inputs[0])
        mean = self.predict_rows(rows)["mean"]
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("mean", mean)])
