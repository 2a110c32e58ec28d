"""Kernel comparison: many kernels on the same rows, each with its best noise and variance."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np

from gaussian_processes.gp.arguments import among, observations, require_bounds
from gaussian_processes.gp.arrays import Array
from gaussian_processes.gp.kernels.arc_cosine import ArcCosine
from gaussian_processes.gp.kernels.cached_angles import Angles
from gaussian_processes.gp.kernels.matrices import packed_gram
from gaussian_processes.gp.linalg.packed import Packed
from gaussian_processes.gp.progress import Progress, Work, no_progress
from gaussian_processes.gp.selection.criterion import Criterion
from gaussian_processes.gp.selection.line_search import Maximum, line_search
from gaussian_processes.gp.selection.parameters import learnable
from gaussian_processes.gp.selection.profile import Fit, Profile

# Default least and greatest value of each hyperparameter.
BOUNDS: Mapping[str, tuple[float, float]] = {name: one.bounds for name, one in learnable(ArcCosine).items()}
# Least and greatest noise-to-signal ratio, and the first guess.
NOISE_TO_SIGNAL, START = (1e-14, 1e2), 0.1
# A profile of SUBSET rows, in steps of STEP in the logarithm, locates the local maxima. Maxima within a STEP count as one.
SUBSET, STEP = 128, 2.0
# Nats. Models that differ by less are equally good.
TOLERANCE = 0.01


@dataclass(frozen=True)
class Compared:
    """A kernel with its best hyperparameters.

    Attributes:
        kernel: kernel with the best variance.
        sigma2: best noise variance, in (units of y)^2; NaN if M is not positive definite anywhere in the bounds.
        log_evidence: log evidence in nats; minus infinity if sigma2 is NaN.
        leave_one_out: sum of leave-one-out log densities, in nats; None for the criterion "evidence".
        noise: noise-to-signal ratio, sigma2 over the mean prior variance of the rows.
        factorisations: number of Cholesky factorisations.
    """

    kernel: ArcCosine
    sigma2: float
    log_evidence: float
    leave_one_out: float | None
    noise: float
    factorisations: int

    @property
    def value(self) -> float:
        """The criterion in nats; higher is better."""
        return self.log_evidence if self.leave_one_out is None else self.leave_one_out


def compare(  # noqa: PLR0913  # each is an argument of its own
    X: Array,
    y: Array,
    kernels: Sequence[ArcCosine],
    criterion: Criterion = "evidence",
    *,
    bounds: Mapping[str, tuple[float, float]] = BOUNDS,
    noise_to_signal: tuple[float, float] = NOISE_TO_SIGNAL,
    known: Sequence[Compared] = (),
    progress: Progress = no_progress,
) -> Iterator[Compared]:
    """Yield each kernel with its best hyperparameters, in the given order.

    The criterion is within about 0.01 nats of its maximum within the bounds, or a few hundredths where it is flat. Of
    several local maxima the search finds the one uphill from the best start. The starts are the maxima on a few of the
    rows, and the best noise of the most similar kernel before.

    Args:
        X: rows (N, d).
        y: targets (N,).
        kernels: kernels that differ only in order, depth, geometry and degree. Their variances are ignored.
        criterion: "evidence"; or "loo", in twice the time.
        bounds: least and greatest sigma2 and variance, where they differ from BOUNDS.
        noise_to_signal: least and greatest noise-to-signal ratio, as far as the bounds allow.
        known: results of the first kernels from an earlier run. They are not yielded; the others are as in that run.
        progress: reports the phase "comparison", in kernels. It is called at every step, so that it can stop the run.

    Raises:
        ValueError: the kernels differ in bias or lengthscales; X or y is refused by TrainedGPModel; y is all 0.
        LengthError: a row has no direction or no finite covariance under one of the kernels.
    """
    X, y = observations(X, y)
    among("criterion", [criterion], get_args(Criterion))
    require_bounds(bounds, list(BOUNDS))
    require_bounds({"noise_to_signal": noise_to_signal}, ("noise_to_signal",))
    if not y.any():
        raise ValueError("y is all 0, which every kernel fits with no variance; a target other than 0 is wanted")
    plain = [replace(kernel, variance=1.0) for kernel in kernels]
    if [replace(result.kernel, variance=1.0) for result in known] != plain[: len(known)]:
        raise ValueError("known holds results of other kernels; results of the first of `kernels` are wanted")
    if len({replace(kernel, q=0, l=0, geometry="sphere", degree=None) for kernel in plain}) > 1:
        raise ValueError(
            "the kernels differ in bias or lengthscales; kernels that differ only in order, depth, geometry and degree are "
            "wanted, since they share the angles between rows"
        )
    for kernel in plain:
        kernel.inputs(X)  # raises LengthError now rather than after hours
    return _Comparison(X, y, plain, criterion, {**BOUNDS, **bounds}, noise_to_signal, progress).after(list(known))


@dataclass(frozen=True, eq=False)
class _Comparison:
    X: Array
    y: Array
    kernels: list[ArcCosine]
    criterion: Criterion
    bounds: Mapping[str, tuple[float, float]]
    noise_to_signal: tuple[float, float]
    progress: Progress

    def after(self, results: list[Compared]) -> Iterator[Compared]:
        """Yield the results after the given ones."""
        if len(results) == len(self.kernels):
            return
        work = Work("comparison", len(self.kernels), self.progress)
        work.advance(len(results))
        N = len(self.y)
        angles, K, memory = Angles.of(self.kernels[0].inputs(self.X)), Packed.empty(N), Packed.empty(N)
        for kernel in self.kernels[len(results) :]:
            rows = kernel.inputs(self.X)
            angles.gram(kernel, rows, K)
            unit = float(np.mean(rows.scale**2)) or 1.0
            profile = self._profile(K, self.y, memory, unit, len(results))
            between, start = self._between(unit), math.log(_start(kernel, results))
            maxima = self._maxima(kernel, unit, between, len(results))
            starts = [start, *(x for x in maxima if abs(x - start) > STEP)]
            results = [*results, self._compared(kernel, unit, line_search(profile, starts, between, TOLERANCE))]
            work.advance(1)
            yield results[-1]

    def _profile(self, K: Packed, y: Array, memory: Packed, unit: float, done: int) -> Profile:
        return Profile(
            self.criterion,
            K,
            y,
            unit,
            memory,
            self.bounds["sigma2"],
            self.bounds["variance"],
            progress=lambda *_: self.progress("comparison", done / len(self.kernels)),
        )

    def _between(self, unit: float) -> tuple[float, float]:
        """The least and greatest x of a profile, the logarithm of the noise-to-signal ratio."""
        (low, high), variances = self.bounds["sigma2"], self.bounds["variance"]
        least, most = low / (variances[1] * unit), high / (variances[0] * unit)
        lowest, highest = self.noise_to_signal
        return math.log(max(least, min(lowest, most))), math.log(min(most, max(highest, least)))

    def _maxima(self, kernel: ArcCosine, unit: float, between: tuple[float, float], done: int) -> list[float]:
        """The x near local maxima of the profile of a SUBSET of the rows."""
        some = np.random.default_rng(0).choice(len(self.y), min(len(self.y), SUBSET), replace=False)
        K = packed_gram(kernel, kernel.inputs(self.X[some]))
        profile = self._profile(K, self.y[some], Packed.empty(len(some)), unit, done)
        fits, (low, high) = [], between
        for x in np.arange(high, low, -STEP):
            fit = profile(float(x))
            if fit is None:
                break
            fits.append(fit)
        values = np.round([-math.inf, *(fit.value for fit in fits), -math.inf], 1)
        # Each plateau counts once, by its end with more noise: from there all rows show a slope.
        ends = np.flatnonzero(np.append(True, values[1:] != values[:-1]))
        v = values[ends]
        return [fits[i - 1].x for i in ends[1:-1][(v[1:-1] > v[:-2]) & (v[1:-1] > v[2:])]]

    def _compared(self, kernel: ArcCosine, unit: float, found: Maximum[Fit]) -> Compared:
        fit, count, by_evidence = found.point, found.evaluations, self.criterion == "evidence"
        if fit is None:
            return Compared(kernel, math.nan, -math.inf, None if by_evidence else -math.inf, math.nan, count)
        noise = math.exp(fit.x)
        low, high = self.bounds["sigma2"]
        return Compared(
            replace(kernel, variance=fit.variance),
            sigma2=min(max(fit.variance * unit * noise, low), high),  # the logarithm rounds
            log_evidence=fit.log_evidence,
            leave_one_out=None if by_evidence else fit.value,
            noise=noise,
            factorisations=count,
        )


def _start(kernel: ArcCosine, results: list[Compared]) -> float:
    """The noise-to-signal ratio of the most similar kernel before, the last of several."""

    def distance(result: Compared) -> tuple[bool, int]:
        other = result.kernel
        return other.geometry != kernel.geometry, abs(other.q - kernel.q) + abs(other.l - kernel.l)

    feasible = [result for result in reversed(results) if math.isfinite(result.noise)]
    return min(feasible, key=distance).noise if feasible else START
