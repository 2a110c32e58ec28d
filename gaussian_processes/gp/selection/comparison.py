"""Comparison: many kernels on the same rows, each with the noise and the variance that are best for it."""

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
from gaussian_processes.gp.progress import Phase, Progress, Work, no_progress
from gaussian_processes.gp.selection.criterion import Criterion
from gaussian_processes.gp.selection.line_search import Maximum
from gaussian_processes.gp.selection.parameters import learnable
from gaussian_processes.gp.selection.profile import Fit, Profile

# The default least and greatest value of each hyperparameter.
BOUNDS: Mapping[str, tuple[float, float]] = {name: one.bounds for name, one in learnable(ArcCosine).items()}
# The least and the greatest noise, and where the search for the best begins if there is nothing to go by.
SHARES, START = (1e-14, 1e2), 0.1
# Rows on which all noises are looked through first, as far apart as STEP in the logarithm: their maxima are where those of
# all rows are, nearly. Two that are as near as that are one.
SOME, STEP = 128, 2.0


@dataclass(frozen=True)
class Compared:
    """A kernel at its best.

    Attributes:
        kernel: with the best variance.
        sigma2: the best noise variance, in (units of y)^2; NaN where M can be factored with none that is allowed.
        log_evidence: with these, in nats; minus infinity where there is none.
        leave_one_out: the log density of the rows, each given the others, in nats, where that was the criterion.
        noise: sigma2 over the mean prior variance of the rows, which says how noisy the data are in this kernel's eyes.
        factorisations: that it took.
    """

    kernel: ArcCosine
    sigma2: float
    log_evidence: float
    leave_one_out: float | None
    noise: float
    factorisations: int

    @property
    def value(self) -> float:
        """Of the criterion, in nats: the greater, the better."""
        return self.log_evidence if self.leave_one_out is None else self.leave_one_out


def compare(  # noqa: PLR0913  # as few as there are things to say
    X: Array,
    y: Array,
    kernels: Sequence[ArcCosine],
    criterion: Criterion = "evidence",
    *,
    bounds: Mapping[str, tuple[float, float]] = BOUNDS,
    shares: tuple[float, float] = SHARES,
    known: Sequence[Compared] = (),
    progress: Progress = no_progress,
) -> Iterator[Compared]:
    """Kernels at their best, one after the other, in the order given.

    The criterion is within about 0.01 nats of its maximum within the bounds, within some hundredths where it is flat, and
    exact for the hyperparameters told. Of several local maxima it is the one that is above the best of some points: those
    where a few of the rows have a maximum, and that of the kernel before that is most like it.

    Args:
        X: rows (N, d).
        y: targets (N,).
        kernels: which differ in order, depth, geometry and degree alone. Their variances do not matter.
        criterion: "evidence"; or "loo", in twice the time.
        bounds: least and greatest sigma2 and variance, where they are not those of BOUNDS.
        shares: least and greatest noise, as a part of the rows' mean prior variance, where the bounds allow it.
        known: results for the first kernels from an earlier run, which do not come again; what follows is then what
            followed there.
        progress: is told of the phase "comparison", in kernels; at every step, so that it can end it.

    Raises:
        ValueError: the kernels normalise the rows differently; or shapes and numbers that TrainedGPModel refuses;
            or targets that are all 0, of which every kernel is sure with no variance at all.
        LengthError: a row has no direction or no finite covariance with one of the kernels.
    """
    X, y = observations(X, y)
    among("criterion", [criterion], get_args(Criterion))
    require_bounds(bounds, list(BOUNDS))
    require_bounds({"the share": shares}, ("the share",))
    if not y.any():
        raise ValueError("the targets are all 0: there is nothing by which to compare")
    plain = [replace(kernel, variance=1.0) for kernel in kernels]
    if [replace(result.kernel, variance=1.0) for result in known] != plain[: len(known)]:
        raise ValueError("what is known is of other kernels than the first of those to be compared")
    if len({replace(kernel, q=0, l=0, geometry="sphere", degree=None) for kernel in plain}) > 1:
        raise ValueError(
            "the kernels differ in bias or lengthscales; where they differ in order, depth, geometry and degree alone they "
            "can be compared on the same angles"
        )
    for kernel in plain:
        kernel.inputs(X)  # which refuses rows before the first kernel, and not after hours
    return _Comparison(X, y, plain, criterion, {**BOUNDS, **bounds}, shares, progress).after(list(known))


@dataclass(frozen=True, eq=False)
class _Comparison:
    X: Array
    y: Array
    kernels: list[ArcCosine]
    criterion: Criterion
    bounds: Mapping[str, tuple[float, float]]
    shares: tuple[float, float]
    progress: Progress

    def after(self, results: list[Compared]) -> Iterator[Compared]:
        """The results that follow those."""
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
            standing = _standing(self.progress, len(results) / len(self.kernels))
            profile = self._profile(K, self.y, memory, unit, standing)
            between, start = self._between(unit), math.log(_start(kernel, results))
            peaks = self._peaks(kernel, unit, between, standing)
            found = profile.best([start, *(x for x in peaks if abs(x - start) > STEP)], between)
            results = [*results, self._compared(kernel, unit, found)]
            work.advance(1)
            yield results[-1]

    def _profile(self, K: Packed, y: Array, memory: Packed, unit: float, progress: Progress) -> Profile:
        return Profile(
            self.criterion, K, y, unit, memory, self.bounds["sigma2"], self.bounds["variance"], progress=progress
        )

    def _between(self, unit: float) -> tuple[float, float]:
        """The least and the greatest x of a profile, which is the logarithm of the noise."""
        (low, high), variances = self.bounds["sigma2"], self.bounds["variance"]
        least, most = low / (variances[1] * unit), high / (variances[0] * unit)
        return math.log(max(least, min(self.shares[0], most))), math.log(min(most, max(self.shares[1], least)))

    def _peaks(self, kernel: ArcCosine, unit: float, between: tuple[float, float], progress: Progress) -> list[float]:
        """The x near local maxima of the profile of SOME of the rows."""
        some = np.random.default_rng(0).choice(len(self.y), min(len(self.y), SOME), replace=False)
        K = packed_gram(kernel, kernel.inputs(self.X[some]))
        profile = self._profile(K, self.y[some], Packed.empty(len(some)), unit, progress)
        fits, (low, high) = [], between
        for x in np.arange(high, low, -STEP):
            fit = profile(float(x))
            if fit is None:
                break
            fits.append(fit)
        values = np.round([-math.inf, *(fit.value for fit in fits), -math.inf], 1)
        # Of a plateau the end with more noise: there the slope of all rows can be seen.
        ends = np.flatnonzero(np.append(True, values[1:] != values[:-1]))
        v = values[ends]
        return [fits[peak - 1].x for peak in ends[1:-1][(v[1:-1] > v[:-2]) & (v[1:-1] > v[2:])]]

    def _compared(self, kernel: ArcCosine, unit: float, found: Maximum[Fit]) -> Compared:
        """A kernel at the best of its profile, whose noise is in a unit."""
        fit, count, by_evidence = found.point, found.evaluations, self.criterion == "evidence"
        if fit is None:
            nothing = None if by_evidence else -math.inf
            return Compared(kernel, math.nan, -math.inf, nothing, math.nan, count)
        noise = math.exp(fit.x)
        low, high = self.bounds["sigma2"]
        return Compared(
            replace(kernel, variance=fit.variance),
            sigma2=min(max(fit.variance * unit * noise, low), high),  # not beyond by the logarithm's rounding
            log_evidence=fit.log_evidence,
            leave_one_out=None if by_evidence else fit.value,
            noise=noise,
            factorisations=count,
        )


def _start(kernel: ArcCosine, results: list[Compared]) -> float:
    """The best noise of the kernel that is most like this one, the last of several: it is not far away."""

    def unlike(result: Compared) -> tuple[bool, int]:
        other = result.kernel
        return other.geometry != kernel.geometry, abs(other.q - kernel.q) + abs(other.l - kernel.l)

    alike = [result for result in reversed(results) if math.isfinite(result.noise)]
    return min(alike, key=unlike).noise if alike else START


def _standing(progress: Progress, fraction: float) -> Progress:
    """What the factorisations tell of: that the comparison is where it was."""

    def tell(_phase: Phase, _fraction: float) -> None:
        progress("comparison", fraction)

    return tell
