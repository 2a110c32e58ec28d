"""Estimates of work: what they become where one part of it outweighs the rest."""

import pytest

from gaussian_processes.gp import cost


@pytest.mark.parametrize(("mixed", "share"), [(False, 1.0), (True, 0.5)])
def test_factoring_is_what_counts_for_many_rows(mixed, share):
    """N^3 / 3 operations in double precision; single precision counts half."""
    N = 10**6
    assert cost.training(N, 10, mixed=mixed) == pytest.approx(share * N**3 / 3, rel=0.01)
    assert cost.prediction(7, N, 10, mixed=mixed) == pytest.approx(share * 7 * N**2, rel=0.01)
    assert cost.leave_one_out(N, mixed=mixed) == pytest.approx(share * N**3 / 2, rel=0.01)


def test_dot_products_are_what_counts_for_many_columns():
    """Twice the columns, twice the work, of which refinement's is the more in mixed precision."""
    for work in (
        lambda d: cost.training(1000, d),
        lambda d: cost.prediction(9, 1000, d, mixed=True),
    ):
        assert work(2 * 10**6) == pytest.approx(2 * work(10**6), rel=0.01)
    assert cost.training(1000, 10**6, mixed=True) > 2 * cost.training(1000, 10**6)
