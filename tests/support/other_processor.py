"""Runs a command with OpenBLAS's code for another processor, and with Numba's for the processors that a job is compiled for.

If OpenBLAS has no other code that runs here, it prints that the command is SKIPPED.
"""

import os
import platform
import subprocess
import sys

from gaussian_processes.process.environment import prepare_libraries

# In order of preference: what most of the processors without AVX-512 are given, and what every x86-64 can run.
CORES = ("Haswell", "Prescott")
# Which cores' code is taken, after it has been used: a processor without its instructions ends the process.
WORK = """
import numpy as np, scipy.linalg, threadpoolctl
A = np.random.default_rng(0).normal(size=(300, 300))
for precision in (np.float64, np.float32):
    M = (A @ A.T + np.eye(300)).astype(precision)
    np.linalg.solve(M, A.astype(precision)), scipy.linalg.cholesky(M) @ M[0], M[0] @ M[1]
print(*sorted({library["architecture"] for library in threadpoolctl.threadpool_info() if "architecture" in library}))
"""


def cores_of(environ):
    """The cores whose code is taken in an environment, in words; nothing where it does not run."""
    return subprocess.run(
        [sys.executable, "-c", WORK], env=environ, stdout=subprocess.PIPE, text=True, check=False
    ).stdout


def main(command):
    own = cores_of(os.environ)
    for core in CORES:
        environ = {**os.environ, "OPENBLAS_CORETYPE": core}
        if cores_of(environ) not in {"", own}:
            prepare_libraries(environ)
            print(f"Once more, with OPENBLAS_CORETYPE={core} in place of {own.strip()}:", flush=True)
            os.execvpe(command[0], command, environ)
    print(f"OpenBLAS has no code for another processor than this, {platform.machine()} {own.strip()}: SKIPPED.")


if __name__ == "__main__":
    main(sys.argv[1:])
