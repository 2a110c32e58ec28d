"""The table of docs/several_hosts.md: memory and time of large jobs on so many instances, from rates measured here.

python benchmarks/scale.py [--features 10] [--share 0.5]

The rate is that of a matrix product in one thread of this machine, times the share of it that a vCPU is taken to have: two
of EC2's share a core.
"""

import argparse

import timing  # prepares the libraries
from threadpoolctl import threadpool_limits

from gaussian_processes.algorithm import Size
from gaussian_processes.arc_cosine import algorithm
from gaussian_processes.gp.cost import EFFICIENCY, PEAK
from gaussian_processes.job.planning.instances import COUNTS, INSTANCES, RECEIVED, offer
from gaussian_processes.job.planning.plan import measured_rate

ROWS = (50_000, 100_000, 200_000, 500_000)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--features", type=int, default=10)
    parser.add_argument("--share", type=float, default=0.5)
    arguments = parser.parse_args()
    with threadpool_limits(1):
        rate = timing.best_of(5, measured_rate)[1] * arguments.share
    print(
        f"{rate / 1e9:.0f} GFLOP/s a vCPU; over several hosts {EFFICIENCY:.0%} of that, {PEAK} times a host's share of the "
        f"triangle, {RECEIVED / 1e9:.1f} GB/s received at most\n"
    )
    print("| N | instances | " + " | ".join("1 host" if count == 1 else f"{count} hosts" for count in COUNTS) + " |")
    print(f"|---|---|{'---|' * len(COUNTS)}")
    h = algorithm.hyperparameters(distributed=True)
    for rows in ROWS:
        size = Size(rows, arguments.features, rows // 10)
        for instance in INSTANCES:
            cells = [cell(offer(algorithm, size, h, rate, (instance, count))) for count in COUNTS]
            print(f"| {rows:,} | {instance.name} | {' | '.join(cells)} |")


def cell(one):
    if one is None:
        return "no"
    hours, minutes = divmod(round(one.seconds / 60), 60)
    length = f"{hours} h {minutes:02} min" if hours else f"{max(minutes, 1)} min"
    return f"{one.memory / 1e9:,.0f} GB, {length}"


if __name__ == "__main__":
    main()
