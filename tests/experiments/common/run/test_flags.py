"""Entry points refuse bad flags in one line, before any work starts."""

import re

import pytest

from tests.experiments import command, in_process
from tests.experiments.common.data import bad_images
from tests.experiments.common.run import flag_cases

_FLAGFILES = sorted((command.ROOT / "flags").glob("*.flags"))
_SR_FLAGFILES = ("sr", "ours", "srgan", "srresnet", "lapsrn", "enhancenet")
_REFUSED = [
  (module, arguments, message)
  for module, cases in flag_cases.CASES.items()
  for arguments, message in cases
]


@pytest.fixture(name="folder")
def _folder(tmp_path, monkeypatch):
  (tmp_path / "photo.png").write_bytes(bad_images.intact()["rgb.png"][0])
  for name in ("g.keras", "w.weights.h5"):
    (tmp_path / name).write_text("Whether it is intact is seen when it is read.")
  (tmp_path / "folder.png").mkdir()
  (tmp_path / "filled").mkdir()
  (tmp_path / "filled" / "letter.txt").write_text("not of a run")
  (tmp_path / "old").mkdir()
  (tmp_path / "old" / "flags.txt").write_text("--seed=77\n")
  (tmp_path / "nested.flags").write_text("--flagfile=absent.flags\n")
  (tmp_path / "unknown.flags").write_text("--no_such_flag=3\n")
  (tmp_path / "words.flags").write_text("some words\n")
  monkeypatch.chdir(tmp_path)
  return tmp_path


@pytest.mark.parametrize(("module", "arguments", "message"), _REFUSED)
def test_bad_flags_are_refused_before_any_work(folder, module, arguments, message):
  before = sorted(folder.rglob("*"))
  code, _, stderr = in_process.run(module, *arguments.split())
  assert code == 1, stderr
  *others, last = stderr.splitlines()
  name = module.removeprefix("tools.")
  assert last.startswith((f"{name}: ", "--flagfile: "))
  assert re.search(message, last), last
  # Trainings with a default flagfile say that they read it.
  assert all("no --flagfile, so flags/" in line for line in others)
  assert not others or "--mode" not in arguments
  assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("path", _FLAGFILES, ids=lambda path: path.stem)
def test_flagfiles_hold_flags_of_their_entry_points(path, monkeypatch):
  def parse(main, argv, flags_parser):
    flags_parser(argv)

  monkeypatch.setattr("absl.app.run", parse)
  name = path.stem
  for variant in ("_quick", "_l1_0", "_nyu_small"):
    name = name.removesuffix(variant)
  module = "sr" if name in _SR_FLAGFILES else name
  code, _, stderr = in_process.run(module, f"--flagfile={path}")
  assert (code, stderr) == (0, "")


def test_flags_are_checked_for_every_entry_point():
  root = command.ROOT / "experiments"
  entry_points = {
    ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__main__")
    for path in root.rglob("*.py")
    if "app.run(" in path.read_text()
  }
  others = {"tools.fit_niqe", "report", "common.run.app"}
  assert entry_points - others == set(flag_cases.CASES)


def test_real_command_ends_with_exit_code_1_and_one_line(tmp_path):
  code, out, err = command.run(
    "experiments.sr", f"--output_dir={tmp_path}", "--bandwidth=nan"
  )
  assert (code, out) == (1, "")
  assert err == "sr: flag --bandwidth=nan: must be positive and finite\n"
