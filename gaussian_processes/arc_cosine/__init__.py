"""The arc-cosine Gaussian process as the container's algorithm: the one place that knows both halves."""

from gaussian_processes.algorithm import Algorithm, Distribution
from gaussian_processes.arc_cosine.evaluation import METRICS, evaluate, lacks
from gaussian_processes.arc_cosine.outputs import OUTPUTS, predict
from gaussian_processes.arc_cosine.regression import fit, fit_across
from gaussian_processes.arc_cosine.requirements import needs, needs_across
from gaussian_processes.arc_cosine.serialisation import from_state, state
from gaussian_processes.arc_cosine.settings import Hyperparameters, ways

__all__ = ["Hyperparameters", "algorithm", "needs"]


algorithm = Algorithm(
    name="arc-cosine-gaussian-process",
    hyperparameters=Hyperparameters,
    metrics=METRICS,
    outputs=OUTPUTS,
    fit=fit,
    evaluate=evaluate,
    predict=predict,
    state=state,
    from_state=from_state,
    needs=needs,
    distribution=Distribution(fit_across, needs_across),
    ways=ways,
    lacks=lacks,
)
