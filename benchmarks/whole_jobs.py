"""Whole jobs next to other libraries: train on N rows, then the posterior mean and variance of M rows.

    python benchmarks/whole_jobs.py [--rows 5000] [--requests 2000] [--repeats 3] [--threads 2]

q = 1, l = 3, sigma2 = 0.1, d = 10, float64, on unit rows, where the libraries' geometries agree. Ours and the other
library's job run alternately in one process, the best of the repeats counts, and their means and variances must agree.
Compilation is left out: every job first runs once untimed (JAX compiles for each size, so at the full one). The
number of threads is set by the environment, in which the script starts itself again. JAX has a pool of its own, which
heeds NPROC; its factorisation and solves are SciPy's LAPACK's. Libraries that are not installed are skipped.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
q, l, SIGMA2, D = 1, 3, 0.1, 10
TOLERANCE = 1e-6

# From X, y and X_star: the posterior mean and the function's variance.
Job = Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def ours() -> Job:
    from gaussian_processes.gp.kernels.arc_cosine import ArcCosine
    from gaussian_processes.gp.regression import TrainedGPModel

    def job(X, y, X_star):
        mean, std = TrainedGPModel(X, y, ArcCosine(q, l), SIGMA2).predict(X_star, return_std=True)
        return mean, std**2

    return job


def scikit_learn() -> tuple[str, Job]:
    import sklearn
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import Kernel

    class ArcCosine(Kernel):
        """The kernel as the formula has it."""

        def __init__(self, l):
            self.l = l

        def __call__(self, X, Y=None, eval_gradient=False):
            t = X @ (X if Y is None else Y).T
            for _ in range(self.l + 1):
                theta = np.arccos(np.clip(t, -1.0, 1.0))
                t = (np.sin(theta) + (np.pi - theta) * np.cos(theta)) / np.pi
            return (t, np.empty((*t.shape, 0))) if eval_gradient else t

        def diag(self, X):
            return np.ones(len(X))

        def is_stationary(self):
            return False

    def job(X, y, X_star):
        model = GaussianProcessRegressor(ArcCosine(l), alpha=SIGMA2, optimizer=None).fit(X, y)
        mean, std = model.predict(X_star, return_std=True)
        return mean, std**2

    return f"scikit-learn {sklearn.__version__}", job


def gpytorch() -> tuple[str, Job]:
    import gpytorch
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))

    class ArcCosine(gpytorch.kernels.Kernel):
        """The kernel as the formula has it."""

        def forward(self, x1, x2, diag=False, **_):
            t = (x1 * x2).sum(-1) if diag else x1 @ x2.transpose(-2, -1)
            for _ in range(l + 1):
                theta = torch.arccos(t.clamp(-1.0, 1.0))
                t = (torch.sin(theta) + (torch.pi - theta) * torch.cos(theta)) / torch.pi
            return t

    class Model(gpytorch.models.ExactGP):
        def __init__(self, X, y, likelihood):
            super().__init__(X, y, likelihood)
            self.mean, self.kernel = gpytorch.means.ZeroMean(), ArcCosine()

        def forward(self, x):
            return gpytorch.distributions.MultivariateNormal(self.mean(x), self.kernel(x))

    def job(X, y, X_star):
        likelihood = gpytorch.likelihoods.GaussianLikelihood().double()
        likelihood.noise = torch.tensor(SIGMA2, dtype=torch.float64)
        model = Model(torch.from_numpy(X), torch.from_numpy(y), likelihood).double().eval()
        with (
            torch.no_grad(),
            gpytorch.settings.max_cholesky_size(10**6),
            gpytorch.settings.fast_computations(covar_root_decomposition=False, log_prob=False, solves=False),
        ):
            posterior = model(torch.from_numpy(X_star))
            return posterior.mean.numpy(), posterior.variance.numpy()

    return f"GPyTorch {gpytorch.__version__}", job


def neural_tangents() -> tuple[str, Job]:
    import jax

    jax.config.update("jax_enable_x64", True)
    import neural_tangents as nt
    from neural_tangents import stax

    layers = [stax.Relu(), stax.Dense(1, np.sqrt(2.0))] * (l + 1)
    kernel = jax.jit(stax.serial(stax.Dense(1, np.sqrt(D)), *layers)[2], static_argnums=2)

    def job(X, y, X_star):
        infer = nt.predict.gp_inference(kernel(X, None, "nngp"), y[:, None], SIGMA2, diag_reg_absolute_scale=True)
        # It has no variances without the whole covariance.
        mean, covariance = infer("nngp", kernel(X_star, X, "nngp"), kernel(X_star, None, "nngp"))
        return np.asarray(mean)[:, 0], np.diag(covariance)

    return f"neural-tangents {nt.__version__}", job


# How to make each library's job, and what pip must install.
PEERS = [(scikit_learn, "scikit-learn"), (gpytorch, "gpytorch"), (neural_tangents, "neural-tangents jax==0.5.3")]


def compare(name: str, job: Job, our_job: Job, problem: tuple[np.ndarray, ...], repeats: int) -> bool:
    """Print a library's time next to ours; whether the results agree."""
    (mean, variance), (our_mean, our_variance) = job(*problem), our_job(*problem)
    seconds, our_seconds = [], []
    for _ in range(repeats):
        our_seconds.append(timed(our_job, problem))
        seconds.append(timed(job, problem))
    best, our_best = min(seconds), min(our_seconds)
    of_means, of_variances = np.max(np.abs(mean - our_mean)), np.max(np.abs(variance - our_variance))
    agree = bool(of_means < TOLERANCE and of_variances < TOLERANCE)
    print(
        f"{name}: {best:.2f} s, ours {our_best:.2f} s, RATIO {best / our_best:.2f}; "
        f"largest difference of means {of_means:.1e}, of variances {of_variances:.1e}"
        f"{'' if agree else f': they DISAGREE, by more than {TOLERANCE}'}",
        flush=True,
    )
    return agree


def timed(job: Job, problem: tuple[np.ndarray, ...]) -> float:
    start = time.perf_counter()
    job(*problem)
    return time.perf_counter() - start


def in_threads(count: int) -> None:
    """Start again in an environment that limits every library, unless this is it."""
    sys.path.insert(0, str(ROOT))
    from gaussian_processes.process.environment import prepare_libraries

    environment = dict(os.environ)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NPROC"):
        environment[name] = str(count)
    prepare_libraries(environment)  # as `train` and `serve` do
    if environment != os.environ:
        os.execve(sys.executable, [sys.executable, *sys.argv], environment)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=5000, help="N, training rows")
    parser.add_argument("--requests", type=int, default=2000, help="M, rows to predict")
    parser.add_argument("--repeats", type=int, default=3, help="of which the best counts")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    in_threads(options.threads)

    generator = np.random.default_rng(0)
    rows = generator.standard_normal((options.rows + options.requests, D))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    X, X_star = rows[: options.rows], rows[options.rows :]
    y = np.sin(3.0 * X[:, 0]) + np.sqrt(SIGMA2) * generator.standard_normal(options.rows)

    print(
        f"N = {options.rows}, d = {D}, M = {options.requests}, q = {q}, l = {l}, sigma2 = {SIGMA2}; "
        f"{options.threads} threads, best of {options.repeats}",
        flush=True,
    )
    our_job = ours()
    agree = True
    for make, pip_names in PEERS:
        try:
            name, job = make()
        except ImportError as error:
            print(f"{make.__name__}: SKIPPED ({error}); pip install {pip_names}")
            continue
        agree &= compare(name, job, our_job, (X, y, X_star), options.repeats)
    sys.exit(not agree)


if __name__ == "__main__":
    main()
