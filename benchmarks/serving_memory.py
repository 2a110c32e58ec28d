"""Memory of the server: a model of N = 10,000 rows in one worker, and shared by four.

python benchmarks/serving_memory.py [--rows 10000]

After every worker has answered with standard deviations, it prints each process's proportional set size, in which memory
that several share counts in parts, as a ratio to the bytes of the model file, and the ratio of the sums.
"""

import argparse
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from timing import rows

from servers import cpu_seconds, memory, serve, train
from serving import write_json

REQUESTED = 100  # rows of a request
COUNTS = (1, 4)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000, help="N, training rows")
    N = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        train(folder, N)
        model = (folder / "model/model.pkl").stat().st_size
        print(f"N = {N}; the model file has {model / 1e6:.0f} MB = 1")
        sums = {}
        for count in COUNTS:
            sizes = sizes_after_answers(folder, count)
            sums[count] = sum(sizes)
            each = ", ".join(f"{size / model:.3f}" for size in sizes)
            print(f"{count} worker{'s' if count > 1 else ''}: {each} (parent first); sum {sums[count] / model:.3f}")
    few, many = COUNTS
    print(f"{many} workers against {few}: RATIO {sums[many] / sums[few]:.3f}")


def sizes_after_answers(folder, count):
    """Bytes of each process, the parent's first."""
    with serve(folder, count) as server:
        workers = server.workers()
        body = write_json(rows(REQUESTED, seed=1)[0])

        def answer(_):
            assert server.ask("/invocations", body, Content_Type="application/json")[0] == 200

        # What an answer takes of a worker, by the first one, which may be a little more than others.
        before = {worker: cpu_seconds(worker) for worker in workers}
        answer(0)
        one = max(cpu_seconds(worker) - before[worker] for worker in workers)
        with ThreadPoolExecutor(4 * count) as pool:
            while min(cpu_seconds(worker) - before[worker] for worker in workers) < one:
                list(pool.map(answer, range(4 * count)))
        server.settle()
        assert server.workers() == workers, "a worker was replaced"
        return [memory(process, "Pss", "smaps_rollup") for process in (server.parent, *workers)]


if __name__ == "__main__":
    main()
