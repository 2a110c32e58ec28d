r"""The kernel matrix in one compiled pass: dot products, angles and layers, a strip of a row at a time.

The tile is the cosines of ROWS rows with STRIP columns. Each row of it, a strip, goes through all steps in the nearest
cache:

    rows (n, d)    transposed (d, M + STRIP)
         \            /
          dot products                   work[:ROWS]  the tile: cosines t
               |  row by row
          half complements               work[H]      h = (1 - |t|)/2, from the rows again where it is close to 0
               |
          polynomials in sqrt(h)         work[X]      x in [-1, 1]
               |                         work[Y]      y, the value of a polynomial at x
               |                         work[Z]      z, the value of another; or sqrt(h); or an earlier h
               |
          first stage, later stages      work[H]      1 - k, or dk/dt
               |
          out <- k;  out <- out dk/dt;  right <- right + K v;  below <- below + K^T u

Every step computes a whole strip, also where less of it is wanted: without a remainder an entry is the same to the
bit in every matrix, at every place. Nothing here calls BLAS, and everything releases the interpreter's lock,
so that threads can share the work. Numbers have the precision of the arrays given, float64 or float32.

All this is one file: Numba compiles a function again when its own file changes, and not when one that it calls does.
"""

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gaussian_processes.gp.compiled.decorator import compiled
from gaussian_processes.gp.compiled.span import Span

# Transposed rows are padded with zeros by a strip, and dimensions to a multiple of COLUMNS: no loop has a remainder.
# A tile stays in the second cache.
STRIP, COLUMNS, ROWS = 512, 4, 16
# Rows of `work` below the tile. Functions take `work` whole: each array that is passed costs a reference count.
H, X, Y, Z = range(ROWS, ROWS + 4)
# Nearer to 1 than this, 1 - |t| is taken from the rows' difference: a cosine's own rounding would show.
CLOSE = 1e-4

Floats: TypeAlias = NDArray[Any]
# first, later, gains and repeats of an Approximation, and its q and l.
Polynomials: TypeAlias = tuple[Floats, Floats, Floats, int, int, int]

# For `fill` without a product.
NO_VECTORS = np.empty(0), np.empty(0)

# A product and a sum may become one operation with one rounding; nothing is reordered.
_strict = compiled("contract")
# The same, and there are no NaN and no infinity, and the sign of zero does not matter.
_finite = compiled("contract", "nnan", "ninf", "nsz")
# Sums in any order.
_summing = compiled("fast")


def workspace(dtype: Any) -> Floats:
    """The buffers of a pass, for one thread."""
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
    shift = span[4]
    for top in range(0, len(rows), ROWS):
        for j in _strips(rows, top, span):
            for row in _tile(rows, top, transposed, j, work):
                start, stop = _half_complements(rows, row, columns, j, span, work)
                if start < stop:
                    _complements(row % ROWS, polynomials, work)
                    if len(v):
                        right[row] += _dot(work[H], v[j : j + stop])
                    h, to = work[H, start:stop], out[row, j + start - shift : j + stop - shift]
                    for n in range(len(to)):
                        to[n] = 1 - h[n]


@_strict
def fill_half_complements(rows: Floats, columns: Floats, transposed: Floats, out: Floats, work: Floats) -> None:
    """(1 - |t|)/2 in place of k, with the sign of the cosine t (and no zero where t < 0), for all columns."""
    least = work.dtype.type(1e-37)
    span = 0, 0, len(columns), 0, 0
    for top in range(0, len(rows), ROWS):
        for j in _strips(rows, top, span):
            for row in _tile(rows, top, transposed, j, work):
                _, stop = _half_complements(rows, row, columns, j, span, work)
                t, h, to = work[row % ROWS], work[H], out[row, j : j + stop]
                for n in range(stop):
                    to[n] = h[n] if t[n] > 0 else -max(h[n], least)


@_strict
def fill_from_half_complements(halves: Floats, polynomials: Polynomials, out: Floats, work: Floats) -> None:
    """k_{q,l} (n, M) from the output of `fill_half_complements` (n, M), in any order; to the bit that of `fill`."""
    # The rest of a strip that is filled in part is a right angle.
    work[0], work[H] = 1, 0.5
    for row in range(len(halves)):
        for j in range(0, halves.shape[1], STRIP):
            strip = halves[row, j : min(j + STRIP, halves.shape[1])]
            for n in range(len(strip)):
                work[0, n] = 1 if strip[n] >= 0 else -1
                work[H, n] = abs(strip[n])
            _complements(0, polynomials, work)
            to = out[row, j : j + len(strip)]
            for n in range(len(to)):
                to[n] = 1 - work[H, n]


@_strict
def scale(span: Span, variance: float, left: Floats, right: Floats, out: Floats) -> None:
    """Multiply the output of `fill` by variance (left_i right_j)."""
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
    """right (n,) <- K v and below (M,) <- below + K^T u, for the kernel K that `fill` writes from column `begin` on.

    v (M,), u (n,); an empty `below` is left out.
    """
    span = begin, 0, len(columns), 0, 0
    right[:] = 0
    for top in range(0, len(rows), ROWS):
        for j in _strips(rows, top, span):
            for row in _tile(rows, top, transposed, j, work):
                _, stop = _half_complements(rows, row, columns, j, span, work)
                _complements(row % ROWS, polynomials, work)
                right[row] += _dot(work[H], v[j : j + stop])
                _axpy(u[row], work[H], below[j : j + stop])


@_strict
def weigh_by_derivative(
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

    terms (2, n) are `polynomials.derivative_polynomials`. Order 0 needs none: it goes layer by layer. Its derivative is infinite for equal
    and opposite rows, and taken as 0: nothing changes their cosine.
    """
    shift = span[4]
    for top in range(0, len(rows), ROWS):
        for j in _strips(rows, top, span):
            for row in _tile(rows, top, transposed, j, work):
                start, stop = _half_complements(rows, row, columns, j, span, work)
                if start < stop:
                    t, to = work[row % ROWS, start:stop], out[row, j + start - shift : j + stop - shift]
                    if q > 0:
                        _two_polynomials(terms, work)
                        y, z = work[Y, start:stop], work[Z, start:stop]
                        for n in range(len(to)):
                            near, far = y[n], z[n]  # a choice between loads is not vectorised
                            to[n] *= near if t[n] > 0 else far
                    else:
                        _weigh_by_order_0(t, work[H, start:stop], l, to)


@_strict
def gather_close(
    rows: Floats, columns: Floats, transposed: Floats, span: Span, out: Floats, moved: Floats, work: Floats
) -> None:
    """moved (d,) <- moved + 2 sum G_ij dt_ij/dlog z_k over the pairs below the diagonal that are close; G <- 0 there.

    dt_ij = 2 u_ik u_jk - t (u_ik^2 + u_jk^2) = +-((1 - |t|) (u_ik^2 + u_jk^2) - (u_ik -+ u_jk)^2) for either sign of t,
    and the latter loses no digit.
    """
    shift = span[4]
    for top in range(0, len(rows), ROWS):
        for j in _strips(rows, top, span):
            for row in _tile(rows, top, transposed, j, work):
                start, stop = _half_complements(rows, row, columns, j, span, work)
                for n in range(stop):
                    if start <= n and work[H, n] < CLOSE / 2:
                        sign = 1.0 if work[row % ROWS, n] > 0 else -1.0
                        weight = 2 * sign * out[row, j + n - shift]
                        out[row, j + n - shift] = 0
                        for k in range(len(moved)):
                            a, b = rows[row, k], columns[j + n, k]
                            difference = a - sign * b
                            moved[k] += weight * (2 * work[H, n] * (a * a + b * b) - difference * difference)


@_strict
def _strips(rows: Floats, top: int, span: Span) -> range:
    """The first column of each strip of the rows top, top + 1, ... of a tile, as far as the span goes."""
    begin, begin_step, end, end_step, _ = span
    return range(begin + begin_step * top, end + end_step * (min(top + ROWS, len(rows)) - 1), STRIP)


@_strict
def _tile(rows: Floats, top: int, transposed: Floats, start: int, work: Floats) -> range:
    """The tile <- cosines of rows top, top + 1, ... with columns start, ..., start + STRIP - 1. Returns the rows."""
    bottom, stop = min(top + ROWS, len(rows)), start + STRIP
    work[: bottom - top] = 0
    for k in range(0, rows.shape[1], COLUMNS):
        A, B = transposed[k, start:stop], transposed[k + 1, start:stop]
        C, D = transposed[k + 2, start:stop], transposed[k + 3, start:stop]
        _add_products(rows, top, bottom, k, A, B, C, D, work)
    return range(top, bottom)


@_strict
def _add_products(
    rows: Floats, top: int, bottom: int, k: int, A: Floats, B: Floats, C: Floats, D: Floats, work: Floats
) -> None:
    """The tile <- the tile + the products of COLUMNS dimensions from the k-th on, two rows at a time."""
    for i in range(0, bottom - top, 2):
        r, s = top + i, min(top + i + 1, bottom - 1)
        a, b, c, d = rows[r, k], rows[r, k + 1], rows[r, k + 2], rows[r, k + 3]
        e, f, g, h = rows[s, k], rows[s, k + 1], rows[s, k + 2], rows[s, k + 3]
        if r < s:
            for j in range(STRIP):
                work[i, j], work[i + 1, j] = (  # one load for both rows: nothing is stored before
                    work[i, j] + a * A[j] + b * B[j] + c * C[j] + d * D[j],
                    work[i + 1, j] + e * A[j] + f * B[j] + g * C[j] + h * D[j],
                )
        else:
            for j in range(STRIP):
                work[i, j] = work[i, j] + a * A[j] + b * B[j] + c * C[j] + d * D[j]


@_finite
def _half_complements(rows: Floats, row: int, columns: Floats, j: int, span: Span, work: Floats) -> tuple[int, int]:
    """h <- (1 - |t|)/2, the squared sine of half the angle to a column or its opposite, for the strip of a row.

    Where it is close to 0, h <- |row -+ column|^2 / 4, which loses no digit.

    Returns:
        start and stop of the part of the strip that is in the span.
    """
    begin, begin_step, end, end_step, _ = span
    start, stop = max(0, begin + begin_step * row - j), min(STRIP, end + end_step * row - j)
    half, close, some, i = work.dtype.type(0.5), work.dtype.type(CLOSE / 2), 0, row % ROWS
    for n in range(STRIP):
        h = half - half * abs(work[i, n])
        some += h < close
        work[H, n] = h
    if some:
        for n in range(stop):
            if work[H, n] < CLOSE / 2:
                sign = work.dtype.type(1 if work[i, n] > 0 else -1)
                squared = work.dtype.type(0)
                for k in range(rows.shape[1]):
                    difference = rows[row, k] - sign * columns[j + n, k]
                    squared += difference * difference
                work[H, n] = squared / 4
    return start, stop


@_summing
def _dot(h: Floats, v: Floats) -> float:
    """k . v for the strip k = 1 - h."""
    total = 0.0
    for n in range(len(v)):
        total += (1 - h[n]) * v[n]
    return total


@_summing
def _axpy(u: float, h: Floats, below: Floats) -> None:
    """below <- below + u k for the strip k = 1 - h."""
    for n in range(len(below)):
        below[n] += u * (1 - h[n])


@_strict
def _complements(i: int, polynomials: Polynomials, work: Floats) -> None:
    """h <- 1 - k_{q,l} for the strip in row i of the tile.

    A stage applied often comes to a fixed point or, by rounding, to a cycle. Brent's algorithm (BIT 20, 1980) finds it:
    z keeps an earlier h, and whole cycles are left out once h is z again.
    """
    first, later, gains, repeats, q, l = polynomials
    if q == 0:
        _order_0(i, first, work)
        if l > 0:
            _order_0_layers(i, l, later, gains[0], gains[1], work)
        return
    _first_stage(i, first, gains[0], work)
    for stage in range(len(later)):
        left, since, most = repeats if stage == 0 else 1, 0, 1
        for n in range(STRIP):
            work[Z, n] = -1
        while left > 0:
            left, since = left - 1, since + 1
            if not _later_stage(later, stage, gains[1 + stage], work):
                left %= since
            elif since == most:
                since, most = 0, 2 * most
                for n in range(STRIP):
                    work[Z, n] = work[H, n]


@_finite
def _first_stage(i: int, terms: Floats, gain: float, work: Floats) -> None:
    """h <- gain h (y + z) where t > 0, y - z where t < 0."""
    zero, one = work.dtype.type(0), work.dtype.type(1)
    _two_polynomials(terms, work)
    for j in range(STRIP):
        near = gain * work[H, j] * (work[Y, j] + work[Z, j])
        far = work[Y, j] - work[Z, j]
        c = near if work[i, j] > zero else far
        work[H, j] = min(max(c, zero), one)


@_finite
def _two_polynomials(terms: Floats, work: Floats) -> None:
    """y, z <- terms[0](x), terms[1](x) for x = 2 sqrt(2 h) - 1."""
    factor, zero, one = work.dtype.type(2 * math.sqrt(2)), work.dtype.type(0), work.dtype.type(1)
    y, ys, z, zs = terms[0, 0], _eight(terms, 0, 1), terms[1, 0], _eight(terms, 1, 1)
    # The square root takes as long as sixteen terms, and beside them.
    for j in range(STRIP):
        x = factor * np.sqrt(max(work[H, j], zero)) - one
        work[X, j], work[Y, j], work[Z, j] = x, _horner(y, ys, x), _horner(z, zs, x)
    _further_terms(terms, 0, 2, work)


@_finite
def _later_stage(terms: Floats, stage: int, gain: float, work: Floats) -> bool:
    """h <- gain h/2 y for y = terms[stage](x), x = 2 sqrt(h) - 1; whether any h differs from z."""
    half, zero, one, two = work.dtype.type(0.5), work.dtype.type(0), work.dtype.type(1), work.dtype.type(2)
    y, ys = terms[stage, 0], _eight(terms, stage, 1)
    for j in range(STRIP):
        x = two * np.sqrt(work[H, j]) - one
        work[X, j], work[Y, j] = x, _horner(y, ys, x)
    _further_terms(terms, stage, 1, work)
    changed = 0
    for j in range(STRIP):
        c = min(max(gain * (half * work[H, j]) * work[Y, j], zero), one)
        changed += c != work[Z, j]
        work[H, j] = c
    return changed > 0


@_finite
def _order_0(i: int, terms: Floats, work: Floats) -> None:
    """h <- (2/pi) z y where t > 0, 1 - that where t < 0; z = sqrt(h), y = asin(z)/z = terms[0](4 h - 1)."""
    four, zero, one, factor = work.dtype.type(4), work.dtype.type(0), work.dtype.type(1), work.dtype.type(2 / math.pi)
    y, ys = terms[0, 0], _eight(terms, 0, 1)
    for j in range(STRIP):
        x = four * work[H, j] - one
        work[X, j], work[Y, j], work[Z, j] = x, _horner(y, ys, x), np.sqrt(max(work[H, j], zero))
    _further_terms(terms, 0, 1, work)
    for j in range(STRIP):
        near = factor * work[Z, j] * work[Y, j]
        far = one - near
        work[H, j] = near if work[i, j] > zero else far


@_finite
def _order_0_layers(i: int, l: int, terms: Floats, slope: float, shift: float, work: Floats) -> None:
    """h <- y = terms[0](x), l layers of order 0, for x = slope h^(1/4) + shift; layer by layer where z is small."""
    zero, one = work.dtype.type(0), work.dtype.type(1)
    some, close = 0, work.dtype.type(math.sqrt(CLOSE / 2))
    y, ys = terms[0, 0], _eight(terms, 0, 1)
    for j in range(STRIP):
        some += work[Z, j] < close
        x = slope * np.sqrt(np.sqrt(work[H, j])) + shift
        work[X, j], work[Y, j] = x, _horner(y, ys, x)
    _further_terms(terms, 0, 1, work)
    for j in range(STRIP):
        work[H, j] = min(max(work[Y, j], zero), one)
    if some:
        for j in range(STRIP):
            if work[Z, j] < close and work[i, j] > zero:
                c = 2 / math.pi * math.asin(work[Z, j])
                for _ in range(l):
                    last, c = c, _order_0_layer(c)
                    if c == last:
                        break
                work[H, j] = c


@_strict
def _weigh_by_order_0(t: Floats, h: Floats, l: int, to: Floats) -> None:
    """Multiply by dk_{0,l}/dt, the product of 1/(pi sqrt(1 - t^2)) over the layers, or by 0 where that is infinite."""
    for n in range(len(to)):
        near = 2 * max(h[n], 0.0)  # 1 - |t|
        if near == 0:
            to[n] *= 0
            continue
        derivative = 1 / (math.pi * math.sqrt(near * (2 - near)))
        c = _order_0_layer(near)
        c = c if t[n] > 0 else 1 - c
        for _ in range(l):
            last, before = derivative, c
            derivative /= math.pi * math.sqrt(c * (2 - c))
            c = _order_0_layer(c)
            if c == before and derivative == last:
                break
        to[n] *= derivative


@_strict
def _order_0_layer(c: float) -> float:
    """1 - k_{0,0} where 1 - t = c."""
    return 2 / math.pi * math.asin(math.sqrt(c / 2))


@_finite
def _further_terms(terms: Floats, first: int, count: int, work: Floats) -> None:
    """From the first nine terms on: y <- terms[first](x) and, where count is 2, z <- terms[first + 1](x)."""
    for m in range(count):
        for k in range(9, terms.shape[1], 8):
            eight = _eight(terms, first + m, k)
            for j in range(STRIP):
                work[Y + m, j] = _horner(work[Y + m, j], eight, work[X, j])


@_finite
def _eight(terms: Floats, row: int, k: int) -> tuple[Any, ...]:
    """Coefficients k, ..., k + 7 of terms[row]."""
    a, b, c, d = terms[row, k], terms[row, k + 1], terms[row, k + 2], terms[row, k + 3]
    return a, b, c, d, terms[row, k + 4], terms[row, k + 5], terms[row, k + 6], terms[row, k + 7]


@_finite
def _horner(value: Any, eight: tuple[Any, ...], x: Any) -> Any:
    """value x^8 + eight[0] x^7 + ... + eight[7]."""
    a, b, c, d, e, f, g, h = eight
    return (((((((value * x + a) * x + b) * x + c) * x + d) * x + e) * x + f) * x + g) * x + h
