"""The arc-cosine Gaussian process as the container's algorithm: the one place that knows both halves."""

from gaussian_processes.algorithm import Algorithm, Needs, Size
from gaussian_processes.gaussian_process.evaluation import METRICS, evaluate
from gaussian_processes.gaussian_process.hyperparameters import Hyperparameters
from gaussian_processes.gaussian_process.learning import needs_of_learning
from gaussian_processes.gaussian_process.prediction import OUTPUTS, predict
from gaussian_processes.gaussian_process.regression import fit, from_state, state
from gaussian_processes.gp import operations
from gaussian_processes.gp.model import ENTRIES
from gaussian_processes.gp.solution import memory

__all__ = ["Hyperparameters", "algorithm", "needs"]


def needs(size: Size, hyperparameters: Hyperparameters) -> Needs:
    """What learning takes, and the factor; covariances with requests; copies of all rows; what a pass needs on the way."""
    N, d, M, precision = size.rows, size.features, size.validation_rows, hyperparameters.precision
    factor = memory(N, precision)
    row = 8 * (d + 1)
    evaluation = operations.prediction(M, N, d, precision) if M else operations.leave_one_out(N, precision)
    learning = needs_of_learning(N, d, hyperparameters)
    return Needs(
        memory=max(factor, learning.memory) + 2 * 8 * ENTRIES + 8 * row * (N + M) + 2**26,
        operations=operations.training(N, d, precision) + evaluation + learning.operations,
        disk=row * N + 8 * N + 2**16 + (factor if hyperparameters.include_variance else 0),
    )


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
)
