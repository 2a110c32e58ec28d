"""What runs tests again: with another processor's code, and not at all where there is none."""

import os
import platform
import subprocess
import sys

import other_processor
import pytest
from reference import ROOT

CRASHES = (
    "import os, signal; os.environ.get('OPENBLAS_CORETYPE') == 'Haswell' and os.kill(os.getpid(), signal.SIGILL); "
)
NAMED = "import os; print(os.environ.get('OPENBLAS_CORETYPE', 'own'))"


@pytest.mark.skipif(platform.machine() != "x86_64", reason="needs x86-64: two of its processors are named")
def test_a_command_computes_with_another_processors_code():
    """Not this one's, as OpenBLAS itself says; and Numba compiles as for a job."""
    work = f"{other_processor.WORK}\nimport os; print(os.environ['NUMBA_CPU_NAME'])"
    command = [sys.executable, "-m", "tests.support.other_processor", sys.executable, "-c", work]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True)
    said, core, processor = done.stdout.splitlines()
    own = other_processor.cores_of(os.environ).strip()
    assert own
    assert core != own
    assert f" in place of {own}:" in said
    assert processor in {"x86-64-v3", "generic"}


@pytest.mark.parametrize("crash", ["", CRASHES], ids=["first", "second"])
def test_a_code_that_does_not_run_here_is_passed_over(monkeypatch, capsys, crash):
    """For the next one that does."""
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    monkeypatch.setattr(other_processor, "WORK", crash + NAMED)
    begun = []
    monkeypatch.setattr(os, "execvpe", lambda *arguments: begun.append(arguments) or sys.exit(0))
    with pytest.raises(SystemExit):
        other_processor.main(["a", "b"])
    ((file, command, environ),) = begun
    assert (file, command) == ("a", ["a", "b"])
    assert environ["OPENBLAS_CORETYPE"] == ("Prescott" if crash else "Haswell")
    assert "in place of own" in capsys.readouterr().out


def test_where_there_is_no_other_code_the_command_is_skipped_in_words(monkeypatch, capsys):
    """As on processors that are no x86-64, where OpenBLAS passes the names over."""
    monkeypatch.setattr(other_processor, "WORK", "print('ARMV8')")
    monkeypatch.setattr(os, "execvpe", lambda *_: pytest.fail("the command was run"))
    other_processor.main(["a"])
    assert capsys.readouterr().out == (
        f"OpenBLAS has no code for another processor than this, {platform.machine()} ARMV8: SKIPPED.\n"
    )
