"""The kernel matrix as one compiled pass: dot products, angles and layers, a strip of a row at a time, in place.

A strip of STRIP entries stays in the nearest cache from its dot products to its kernel values. Every loop over it has
this fixed length, and is vectorised without remainders, so that an entry is the same number to the bit wherever it
stands in whatever matrix. Nothing here calls BLAS, and everything releases the interpreter's lock, so that threads can
share the work. Numbers are of the precision of the arrays given, float64 or float32.

It is all in one module because what Numba keeps of a function is made anew when this file changes, and no other.
"""

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gaussian_processes.gp.compiled.decorator import compiled
from gaussian_processes.gp.compiled.span import Span

# Transposed rows are filled up with zeros by a strip, and dimensions to a multiple of COLUMNS: no loop has a remainder.
# The dot products of ROWS rows with a strip stay in the second cache.
STRIP, COLUMNS, ROWS = 512, 4, 16
# Nearer to 1 than this, 1 - |t| is taken from the rows' difference: a cosine's own rounding would show.
CLOSE = 1e-4

Floats: TypeAlias = NDArray[Any]
# first, later, gains and repeats of an Approximation, and its q and l.
Polynomials: TypeAlias = tuple[Floats, Floats, Floats, int, int, int]

# For `fill`, where no product is wanted.
NO_VECTORS = np.empty(0), np.empty(0)

# A product and a sum may become one operation with one rounding; nothing is reordered.
_strict = compiled("contract")
# The same, and no NaN, infinity or sign of zero need be minded.
_finite = compiled("contract", "nnan", "ninf", "nsz")
# Sums in any order.
_summing = compiled("fast")


def workspace(dtype: Any) -> Floats:
    """What a pass keeps of the strips that it is at."""
    return np.empty((ROWS + 4, STRIP), dtype)


@_strict
def fill(
    rows: Floats,
    columns: Floats,
    transposed: Floats,
    span: Span,
    polynomials: Polynomials,
    out: Floats,
    v: Floats,
    right: Floats,
    work: Floats,
) -> None:
    """k_{q,l} between unit rows.

    Args:
        rows: (n, d) unit rows; d is a multiple of COLUMNS here and below.
        columns: (M, d) unit rows.
        transposed: (d, M + STRIP) the same, transposed.
        span: which columns, and where they go.
        polynomials: of q and l.
        out: (n, M) or another width, is written where the span says.
        v: (M,), or empty.
        right: (n,), K v is added; or empty.
        work: a `workspace`, here and below.
    """
    begin, begin_step, end, end_step, shift = span
    tile, h, x, e, o = work[:ROWS], work[ROWS], work[ROWS + 1], work[ROWS + 2], work[ROWS + 3]
    for top in range(0, len(rows), ROWS):
        bottom = min(top + ROWS, len(rows))
        for j in range(begin + begin_step * top, end + end_step * (bottom - 1), STRIP):
            _dot_products(rows, top, bottom, transposed, j, tile)
            for row in range(top, bottom):
                stop = min(STRIP, end + end_step * row - j)
                if _half_complements(tile, row - top, h):
                    _mend(rows, row, columns, j, stop, tile, row - top, h)
                _complements(tile, row - top, h, polynomials, x, e, o)
                if len(v):
                    right[row] += _weighed(h, v[j : j + stop])
                start = max(0, begin + begin_step * row - j)
                if start < stop:
                    _write(h, start, out[row, j + start - shift : j + stop - shift])


@_strict
def fill_half_complements(rows: Floats, columns: Floats, transposed: Floats, out: Floats, work: Floats) -> None:
    """(1 - |t|)/2 in place of k, with the sign of the cosine t (and no zero where t < 0), for all columns."""
    tile, h = work[:ROWS], work[ROWS]
    least = h.dtype.type(1e-37)
    for top in range(0, len(rows), ROWS):
        bottom = min(top + ROWS, len(rows))
        for j in range(0, len(columns), STRIP):
            stop = min(STRIP, len(columns) - j)
            _dot_products(rows, top, bottom, transposed, j, tile)
            for row in range(top, bottom):
                i = row - top
                if _half_complements(tile, i, h):
                    _mend(rows, row, columns, j, stop, tile, i, h)
                for n in range(stop):
                    out[row, j + n] = h[n] if tile[i, n] > 0 else -max(h[n], least)


@_strict
def fill_from_half_complements(halves: Floats, polynomials: Polynomials, out: Floats, work: Floats) -> None:
    """k_{q,l} (n, M) from what `fill_half_complements` wrote (n, M), whatever pairs these are; to the bit that of `fill`."""
    tile, h, x, e, o = work[:ROWS], work[ROWS], work[ROWS + 1], work[ROWS + 2], work[ROWS + 3]
    half, one = h.dtype.type(0.5), h.dtype.type(1)
    # Where a strip is filled in part, the rest of it is a right angle.
    tile[0], h[:] = one, half
    for row in range(len(halves)):
        for j in range(0, halves.shape[1], STRIP):
            stop = min(STRIP, halves.shape[1] - j)
            for n in range(stop):
                y = halves[row, j + n]
                tile[0, n] = one if y >= 0 else -one
                h[n] = abs(y)
            _complements(tile, 0, h, polynomials, x, e, o)
            _write(h, 0, out[row, j : j + stop])


@_strict
def scale(span: Span, variance: float, left: Floats, right: Floats, out: Floats) -> None:
    """Multiply what `fill` has written by variance (left_i right_j)."""
    begin, begin_step, end, end_step, shift = span
    v = out.dtype.type(variance)
    for i in range(len(out)):
        start, stop = begin + begin_step * i, end + end_step * i
        to, others, a = out[i, start - shift : stop - shift], right[start:stop], left[i]
        for j in range(len(to)):
            to[j] *= v * (a * others[j])


@_strict
def mirror(K: Floats, first: int, last: int) -> None:
    """Copy rows first, ..., last - 1 of the upper triangle of K (N, N) into the lower one, tile by tile."""
    tile = last - first
    for start in range(first, len(K), tile):
        for i in range(first, last):
            for j in range(max(start, i), min(start + tile, len(K))):
                K[j, i] = K[i, j]


@_strict
def multiply(
    rows: Floats,
    columns: Floats,
    transposed: Floats,
    begin: int,
    polynomials: Polynomials,
    v: Floats,
    u: Floats,
    right: Floats,
    below: Floats,
    work: Floats,
) -> None:
    """right (n,) <- K v and below (M,) <- below + K^T u for what `fill` would write from column `begin` on.

    v (M,), u (n,); below may be empty, and is then left out.
    """
    tile, h, x, e, o = work[:ROWS], work[ROWS], work[ROWS + 1], work[ROWS + 2], work[ROWS + 3]
    right[:] = 0
    for top in range(0, len(rows), ROWS):
        bottom = min(top + ROWS, len(rows))
        for j in range(begin, len(columns), STRIP):
            stop = min(STRIP, len(columns) - j)
            _dot_products(rows, top, bottom, transposed, j, tile)
            strip, spread = v[j : j + stop], below[j : j + stop]
            for row in range(top, bottom):
                if _half_complements(tile, row - top, h):
                    _mend(rows, row, columns, j, stop, tile, row - top, h)
                _complements(tile, row - top, h, polynomials, x, e, o)
                right[row] += _weighed(h, strip)
                _spread(h, u[row], spread)


@_strict
def weigh_by_slope(
    rows: Floats,
    columns: Floats,
    transposed: Floats,
    span: Span,
    terms: Floats,
    q: int,
    l: int,
    out: Floats,
    work: Floats,
) -> None:
    """Multiply what stands where `fill` would write k_{q,l} by dk_{q,l}/dt.

    terms (2, n) are those of a `slope`, which order 0 does without: it goes layer by layer. There the slope is infinite for
    equal and opposite rows, whose cosine nothing changes, and taken as 0.
    """
    begin, begin_step, end, end_step, shift = span
    tile, h, x, e, o = work[:ROWS], work[ROWS], work[ROWS + 1], work[ROWS + 2], work[ROWS + 3]
    for top in range(0, len(rows), ROWS):
        bottom = min(top + ROWS, len(rows))
        for j in range(begin + begin_step * top, end + end_step * (bottom - 1), STRIP):
            _dot_products(rows, top, bottom, transposed, j, tile)
            for row in range(top, bottom):
                start, stop = max(0, begin + begin_step * row - j), min(STRIP, end + end_step * row - j)
                if start >= stop:
                    continue
                if _half_complements(tile, row - top, h):
                    _mend(rows, row, columns, j, stop, tile, row - top, h)
                if q > 0:
                    _slopes(tile, row - top, h, terms, x, e, o)
                else:
                    _order_0_slopes(tile, row - top, h, l, start, stop)
                _weigh(h, start, out[row, j + start - shift : j + stop - shift])


@_strict
def gather_close(
    rows: Floats, columns: Floats, transposed: Floats, span: Span, out: Floats, moved: Floats, work: Floats
) -> None:
    """moved (d,) <- moved + 2 sum G_ij dt_ij/dlog z_k over the pairs below the diagonal that are close; G <- 0 there.

    dt_ij = 2 u_ik u_jk - t (u_ik^2 + u_jk^2) = +-((1 - |t|) (u_ik^2 + u_jk^2) - (u_ik -+ u_jk)^2) for either sign of t,
    in which no digit is lost.
    """
    begin, begin_step, end, end_step, shift = span
    tile, h = work[:ROWS], work[ROWS]
    for top in range(0, len(rows), ROWS):
        bottom = min(top + ROWS, len(rows))
        for j in range(begin + begin_step * top, end + end_step * (bottom - 1), STRIP):
            _dot_products(rows, top, bottom, transposed, j, tile)
            for row in range(top, bottom):
                start, stop = max(0, begin + begin_step * row - j), min(STRIP, end + end_step * row - j)
                if start >= stop or not _half_complements(tile, row - top, h):
                    continue
                _mend(rows, row, columns, j, stop, tile, row - top, h)
                for n in range(start, stop):
                    if h[n] < CLOSE / 2:
                        sign = 1.0 if tile[row - top, n] > 0 else -1.0
                        weight = 2 * sign * out[row, j + n - shift]
                        out[row, j + n - shift] = 0
                        for k in range(len(moved)):
                            a, b = rows[row, k], columns[j + n, k]
                            difference = a - sign * b
                            moved[k] += weight * (2 * h[n] * (a * a + b * b) - difference * difference)


# Below, rows of matrices are named by their index: taking a view of one costs as much as forty entries.


@_strict
def _dot_products(rows: Floats, top: int, bottom: int, transposed: Floats, start: int, tile: Floats) -> None:
    """tile (ROWS, STRIP) <- rows top, ..., bottom - 1 against columns start, ..., start + STRIP - 1."""
    tile[:] = 0
    stop, d = start + STRIP, rows.shape[1]
    for k in range(0, d - COLUMNS, 2 * COLUMNS):
        A, B = transposed[k, start:stop], transposed[k + 1, start:stop]
        C, D = transposed[k + 2, start:stop], transposed[k + 3, start:stop]
        E, F = transposed[k + 4, start:stop], transposed[k + 5, start:stop]
        G, H = transposed[k + 6, start:stop], transposed[k + 7, start:stop]
        _add_8(tile, rows, top, bottom, k, A, B, C, D, E, F, G, H)
    if d % (2 * COLUMNS):
        k = d - COLUMNS
        A, B = transposed[k, start:stop], transposed[k + 1, start:stop]
        C, D = transposed[k + 2, start:stop], transposed[k + 3, start:stop]
        _add_4(tile, rows, top, bottom, k, A, B, C, D)


@_strict
def _add_4(
    tile: Floats, rows: Floats, top: int, bottom: int, k: int, A: Floats, B: Floats, C: Floats, D: Floats
) -> None:
    for i in range(bottom - top):
        r = top + i
        a, b, c, d = rows[r, k], rows[r, k + 1], rows[r, k + 2], rows[r, k + 3]
        for j in range(STRIP):
            tile[i, j] = tile[i, j] + a * A[j] + b * B[j] + c * C[j] + d * D[j]


@_strict
def _add_8(
    tile: Floats,
    rows: Floats,
    top: int,
    bottom: int,
    k: int,
    A: Floats,
    B: Floats,
    C: Floats,
    D: Floats,
    E: Floats,
    F: Floats,
    G: Floats,
    H: Floats,
) -> None:
    for i in range(bottom - top):
        r = top + i
        a, b, c, d = rows[r, k], rows[r, k + 1], rows[r, k + 2], rows[r, k + 3]
        e, f, g, h = rows[r, k + 4], rows[r, k + 5], rows[r, k + 6], rows[r, k + 7]
        for j in range(STRIP):
            t = tile[i, j] + a * A[j] + b * B[j] + c * C[j] + d * D[j]
            tile[i, j] = t + e * E[j] + f * F[j] + g * G[j] + h * H[j]


@_finite
def _half_complements(tile: Floats, i: int, h: Floats) -> bool:
    """h <- (1 - |t|)/2, the squared sine of half the angle to the column or its opposite; whether any is close to 0."""
    half, close, some = h.dtype.type(0.5), h.dtype.type(CLOSE / 2), 0
    for j in range(STRIP):
        y = half - half * abs(tile[i, j])
        some += y < close
        h[j] = y
    return some > 0


@_strict
def _mend(rows: Floats, row: int, columns: Floats, start: int, stop: int, tile: Floats, i: int, h: Floats) -> None:
    """Where h is close to 0, h <- |row -+ column|^2 / 4, in which no digit is lost."""
    for j in range(stop):
        if h[j] < CLOSE / 2:
            sign = h.dtype.type(1 if tile[i, j] > 0 else -1)
            squared = h.dtype.type(0)
            for k in range(rows.shape[1]):
                difference = rows[row, k] - sign * columns[start + j, k]
                squared += difference * difference
            h[j] = squared / 4


@_strict
def _write(h: Floats, start: int, to: Floats) -> None:
    """The kernel is what its complement lacks of 1."""
    if start:
        for n in range(len(to)):
            to[n] = 1 - h[start + n]
    else:
        for n in range(len(to)):
            to[n] = 1 - h[n]


@_summing
def _weighed(h: Floats, v: Floats) -> float:
    """k . v for the kernel k of a strip."""
    total = 0.0
    for n in range(len(v)):
        total += (1 - h[n]) * v[n]
    return total


@_summing
def _spread(h: Floats, u: float, below: Floats) -> None:
    """below <- below + u k for the kernel k of a strip."""
    for n in range(len(below)):
        below[n] += u * (1 - h[n])


@_strict
def _complements(tile: Floats, i: int, h: Floats, polynomials: Polynomials, x: Floats, e: Floats, o: Floats) -> None:
    """h <- 1 - k_{q,l} for the strip that is row i of the tile."""
    first, later, gains, repeats, q, l = polynomials
    if q > 0:
        _first_stage(tile, i, h, first, gains[0], x, e, o)
        for stage in range(len(later)):
            left, since, most = repeats if stage == 0 else 1, 0, 1
            o[:] = -1
            while left > 0:
                left, since = left - 1, since + 1
                if not _later_stage(h, later, stage, gains[1 + stage], x, e, o):
                    left %= since  # the strip is what it was so many times before, and will be again
                elif since == most:
                    since, most = 0, 2 * most
                    for n in range(STRIP):
                        o[n] = h[n]
    else:
        _order_0(tile, i, h, first, x, e, o)
        if l > 0:
            _order_0_layers(tile, i, h, polynomials, x, e, o)


@_finite
def _first_stage(tile: Floats, i: int, h: Floats, terms: Floats, gain: float, x: Floats, e: Floats, o: Floats) -> None:
    """h <- gain h (even + odd)(x) where t > 0, (even - odd)(x) where t < 0; x = 2 sqrt(2 h) - 1."""
    factor, zero, one = h.dtype.type(2 * math.sqrt(2)), h.dtype.type(0), h.dtype.type(1)
    e0, e1, e2, e3, e4, e5, e6, e7, e8 = _leading(terms, 0)
    o0, o1, o2, o3, o4, o5, o6, o7, o8 = _leading(terms, 1)
    # The square root takes as long as sixteen terms, and beside them.
    for j in range(STRIP):
        y = factor * np.sqrt(max(h[j], zero)) - one
        x[j] = y
        e[j] = (((((((e0 * y + e1) * y + e2) * y + e3) * y + e4) * y + e5) * y + e6) * y + e7) * y + e8
        o[j] = (((((((o0 * y + o1) * y + o2) * y + o3) * y + o4) * y + o5) * y + o6) * y + o7) * y + o8
    for n in range(9, terms.shape[1], 8):
        _horner(terms, 0, n, x, e)
        _horner(terms, 1, n, x, o)
    for j in range(STRIP):
        near = gain * h[j] * (e[j] + o[j])
        far = e[j] - o[j]
        c = near if tile[i, j] > zero else far
        h[j] = min(max(c, zero), one)


@_finite
def _later_stage(h: Floats, terms: Floats, stage: int, gain: float, x: Floats, e: Floats, before: Floats) -> bool:
    """c <- gain c/2 terms(x), x = 2 sqrt(c) - 1: from complements c of one stage to those of the next, in h.

    Returns whether any is another than those before.
    """
    half, zero, one, two = h.dtype.type(0.5), h.dtype.type(0), h.dtype.type(1), h.dtype.type(2)
    e0, e1, e2, e3, e4, e5, e6, e7, e8 = _leading(terms, stage)
    for j in range(STRIP):
        y = two * np.sqrt(h[j]) - one
        x[j] = y
        e[j] = (((((((e0 * y + e1) * y + e2) * y + e3) * y + e4) * y + e5) * y + e6) * y + e7) * y + e8
    for n in range(9, terms.shape[1], 8):
        _horner(terms, stage, n, x, e)
    changed = 0
    for j in range(STRIP):
        c = min(max(gain * (half * h[j]) * e[j], zero), one)
        changed += c != before[j]
        h[j] = c
    return changed > 0


@_finite
def _order_0(tile: Floats, i: int, h: Floats, terms: Floats, x: Floats, e: Floats, s: Floats) -> None:
    """h <- theta/pi = (2/pi) asin(s) where t > 0, s = sqrt(h); 1 - that where t < 0; asin(s)/s = terms(4 h - 1)."""
    four, zero, one, factor = h.dtype.type(4), h.dtype.type(0), h.dtype.type(1), h.dtype.type(2 / math.pi)
    e0, e1, e2, e3, e4, e5, e6, e7, e8 = _leading(terms, 0)
    for j in range(STRIP):
        y = four * h[j] - one
        x[j] = y
        s[j] = np.sqrt(max(h[j], zero))
        e[j] = (((((((e0 * y + e1) * y + e2) * y + e3) * y + e4) * y + e5) * y + e6) * y + e7) * y + e8
    for n in range(9, terms.shape[1], 8):
        _horner(terms, 0, n, x, e)
    for j in range(STRIP):
        near = factor * s[j] * e[j]
        far = one - near
        h[j] = near if tile[i, j] > zero else far


@_finite
def _order_0_layers(tile: Floats, i: int, h: Floats, polynomials: Polynomials, x: Floats, e: Floats, s: Floats) -> None:
    """h <- l more layers of order 0, terms(x) with x linear in h^(1/4); layer by layer where the angle is small."""
    terms, slope, shift, l = polynomials[1], polynomials[2][0], polynomials[2][1], polynomials[5]
    zero, one = h.dtype.type(0), h.dtype.type(1)
    e0, e1, e2, e3, e4, e5, e6, e7, e8 = _leading(terms, 0)
    some, close = 0, h.dtype.type(math.sqrt(CLOSE / 2))
    for j in range(STRIP):
        some += s[j] < close
        y = slope * np.sqrt(np.sqrt(h[j])) + shift
        x[j] = y
        e[j] = (((((((e0 * y + e1) * y + e2) * y + e3) * y + e4) * y + e5) * y + e6) * y + e7) * y + e8
    for n in range(9, terms.shape[1], 8):
        _horner(terms, 0, n, x, e)
    for j in range(STRIP):
        h[j] = min(max(e[j], zero), one)
    if some:
        for j in range(STRIP):
            if s[j] < close and tile[i, j] > zero:
                c = 2 / math.pi * math.asin(s[j])
                for _ in range(l):
                    last, c = c, 2 / math.pi * math.asin(math.sqrt(c / 2))
                    if c == last:
                        break
                h[j] = c


@_finite
def _slopes(tile: Floats, i: int, h: Floats, terms: Floats, x: Floats, e: Floats, o: Floats) -> None:
    """h <- terms[0](x) where t > 0, terms[1](x) where t < 0; x = 2 sqrt(2 h) - 1."""
    factor, zero, one = h.dtype.type(2 * math.sqrt(2)), h.dtype.type(0), h.dtype.type(1)
    e0, e1, e2, e3, e4, e5, e6, e7, e8 = _leading(terms, 0)
    o0, o1, o2, o3, o4, o5, o6, o7, o8 = _leading(terms, 1)
    for j in range(STRIP):
        y = factor * np.sqrt(max(h[j], zero)) - one
        x[j] = y
        e[j] = (((((((e0 * y + e1) * y + e2) * y + e3) * y + e4) * y + e5) * y + e6) * y + e7) * y + e8
        o[j] = (((((((o0 * y + o1) * y + o2) * y + o3) * y + o4) * y + o5) * y + o6) * y + o7) * y + o8
    for n in range(9, terms.shape[1], 8):
        _horner(terms, 0, n, x, e)
        _horner(terms, 1, n, x, o)
    for j in range(STRIP):
        h[j] = e[j] if tile[i, j] > zero else o[j]


@_strict
def _order_0_slopes(tile: Floats, i: int, h: Floats, l: int, start: int, stop: int) -> None:
    """h <- dk_{0,l}/dt, from 1/(pi sqrt(1 - t^2)) of every layer, and 0 where that is infinite."""
    for j in range(start, stop):
        near = 2 * max(h[j], 0.0)  # 1 - |t|
        if near == 0:
            h[j] = 0
            continue
        slope = 1 / (math.pi * math.sqrt(near * (2 - near)))
        c = 2 / math.pi * math.asin(math.sqrt(near / 2))
        c = c if tile[i, j] > 0 else 1 - c
        for _ in range(l):
            last, before = slope, c
            slope /= math.pi * math.sqrt(c * (2 - c))
            c = 2 / math.pi * math.asin(math.sqrt(c / 2))
            if c == before and slope == last:
                break
        h[j] = slope


@_strict
def _weigh(slope: Floats, start: int, to: Floats) -> None:
    for n in range(len(to)):
        to[n] *= slope[start + n]


@_finite
def _leading(terms: Floats, row: int) -> tuple[Any, ...]:
    """The nine coefficients with which the evaluation of a polynomial begins."""
    a, b, c, d = terms[row, 0], terms[row, 1], terms[row, 2], terms[row, 3]
    return a, b, c, d, terms[row, 4], terms[row, 5], terms[row, 6], terms[row, 7], terms[row, 8]


@_finite
def _horner(terms: Floats, row: int, n: int, x: Floats, e: Floats) -> None:
    """Eight coefficients more, from the n-th: e <- e x^8 + terms[row, n] x^7 + ... + terms[row, n + 7]."""
    e1, e2, e3, e4 = terms[row, n], terms[row, n + 1], terms[row, n + 2], terms[row, n + 3]
    e5, e6, e7, e8 = terms[row, n + 4], terms[row, n + 5], terms[row, n + 6], terms[row, n + 7]
    for j in range(STRIP):
        y = x[j]
        e[j] = (((((((e[j] * y + e1) * y + e2) * y + e3) * y + e4) * y + e5) * y + e6) * y + e7) * y + e8
