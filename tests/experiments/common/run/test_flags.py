"""Every entry point refuses bad flags in one line, before any work starts.

Cases run in the folder that `_folder` makes, by `forked`.
"""

import json
import os
import re
import subprocess
import sys

import pytest

from tests.experiments import command
from tests.experiments.common.data import bad_images
from tests.experiments.common.run import flag_cases, forked

_FLAGFILES = command.ROOT / "flags"
_REFUSED = [
  (module, arguments, message)
  for module, cases in flag_cases.CASES.items()
  for arguments, message in cases
]
_SR_FLAGFILES = ("sr", "ours", "srgan", "srresnet", "lapsrn", "enhancenet")


def _entry_point(flagfile):
  name = flagfile.stem.removesuffix("_quick").removesuffix("_l1_0")
  return "sr" if name in _SR_FLAGFILES else name


_ACCEPTED = [
  *(
    (_entry_point(path), f"--flagfile={path.name}")
    for path in sorted(_FLAGFILES.glob("*.flags"))
    # Those name folders that a user has to provide.
    if path.stem not in ("power_spectrum", "twoafc")
  ),
  *((module, "") for module in flag_cases.CASES),
  ("sr", "--mode=upscale --weights=g.keras --input=photo.png --output=new/o.png"),
  ("sr", "--mode=upscale --weights=g.keras --input=. --output=new --scale=2"),
  # A flagfile may hold what another mode needs.
  ("sr", "--flagfile=sr_quick.flags --mode=evaluate --weights=g.keras"),
  ("sr", "--model=lapsrn --data=. --crop_size=64"),
  ("sr", "--layers=block3_conv4:2,block2_pool:0 --backbone_weights=w.weights.h5"),
  ("sr", "--output_dir=old --overwrite"),
  ("normals", "--mode=predict --weights=g.keras --input=photo.png --output=o.png"),
  ("normals", "--mode=evaluate --weights=g.keras --data=motorcycle --reduce=2"),
  ("normals", "--data=. --intrinsics=500,500,320.5,240 --flip=xy"),
  ("power_spectrum", "--method=lanczos --method=a=. --method=b=g.keras"),
  ("twoafc", "--triplet=photo.png,photo.png,photo.png"),
  ("tools.benchmark", "--sizes=10x3 --methods=ours"),
]


def _folder(folder):
  (folder / "photo.png").write_bytes(bad_images.intact()["rgb.png"][0])
  for name in ("g.keras", "w.weights.h5"):
    (folder / name).write_text("Whether it is intact is seen when it is read.")
  (folder / "folder.png").mkdir()
  (folder / "filled").mkdir()
  (folder / "filled" / "letter.txt").write_text("not of a run")
  (folder / "old").mkdir()
  (folder / "old" / "flags.txt").write_text("--seed=77\n")
  (folder / "nested.flags").write_text("--flagfile=absent.flags\n")
  (folder / "unknown.flags").write_text("--no_such_flag=3\n")
  (folder / "words.flags").write_text("some words\n")
  return folder


@pytest.fixture(scope="module", name="results")
def _results(tmp_path_factory):
  """Dict from module and arguments to what `forked` found."""
  cases = [(module, arguments) for module, arguments, *_ in (*_REFUSED, *_ACCEPTED)]
  done = subprocess.run(
    [sys.executable, "-m", "tests.experiments.common.run.forked"],
    input=json.dumps([(module, arguments.split()) for module, arguments in cases]),
    cwd=_folder(tmp_path_factory.mktemp("flags")),
    env={**os.environ, "PYTHONPATH": str(command.ROOT)},
    capture_output=True,
    text=True,
    timeout=500,
  )
  assert done.returncode == 0, done.stderr
  return dict(zip(cases, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize(("module", "arguments", "message"), _REFUSED)
def test_bad_flags_are_refused_before_any_work(results, module, arguments, message):
  code, stderr, made = results[module, arguments]
  assert (code, made) == (1, []), stderr
  *before, last = stderr.splitlines()
  assert last.startswith((f"{module}: ", "--flagfile: "))
  assert re.search(message, last), last
  # Entry points with a default flagfile say that they read it.
  assert all("no --flagfile, so flags/" in line for line in before)


@pytest.mark.parametrize(("module", "arguments"), _ACCEPTED)
def test_good_flags_are_accepted(results, module, arguments):
  code, stderr, made = results[module, arguments]
  assert (code, made) == (forked.STARTED, []), stderr


def test_flags_are_checked_for_every_entry_point():
  root = command.ROOT / "experiments"
  entry_points = {
    ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__main__")
    for path in root.rglob("*.py")
    if "app.run(" in path.read_text()
  }
  assert entry_points - {"tools.fit_niqe", "tools.convert_torchvision"} == set(
    flag_cases.CASES
  )


def test_real_command_ends_with_exit_code_1_and_one_line(tmp_path):
  code, out, err = command.run(
    "experiments.sr", f"--output_dir={tmp_path}", "--bandwidth=nan"
  )
  assert (code, out) == (1, "")
  assert err == "sr: flag --bandwidth=nan: must be positive and finite\n"
