import os
import subprocess
import sys

import pytest

from tests.experiments import command

_TINY = ["--draws=40", "--samples=300", "--curve_draws=2"]


@pytest.mark.parametrize(
  "name", ["absl", pytest.param("tensorflow", marks=pytest.mark.slow)]
)
def test_other_flags_are_refused_wherever_the_checkout_lies(tmp_path, name):
  checkout = tmp_path / name / "checkout"
  checkout.parent.mkdir()
  checkout.symlink_to(command.ROOT)

  def run(offsets):
    return subprocess.run(
      [
        *(sys.executable, "-m", "experiments.toy2d", *_TINY),
        *(f"--offsets={offsets}", f"--output_dir={tmp_path / 'run'}"),
      ],
      cwd=tmp_path,
      # A path that is not resolved: modules lie where the link says.
      env={**os.environ, "PYTHONPATH": str(checkout)},
      capture_output=True,
      text=True,
    )

  first = run(5)
  assert first.returncode == 0, first.stderr
  assert "--offsets=5" in (tmp_path / "run" / "flags.txt").read_text().splitlines()
  second = run(6)
  assert second.returncode == 1
  assert "--offsets: 5 -> 6" in second.stderr
