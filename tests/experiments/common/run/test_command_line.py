"""Command lines become settings, and bad ones are refused in one line."""

import dataclasses
import re
import subprocess
import sys

import pytest

from experiments.common.run import command_line
from experiments.common.run.command_line import Command
from experiments.common.run.errors import UserError
from experiments.common.run.options import option, seed
from tests.experiments import command, in_process
from tests.experiments.common.data import bad_images

_FLAGFILES = sorted((command.ROOT / "flags").glob("*.flags"))
_SR_FLAGFILES = ("sr", "ours", "srgan", "srresnet", "lapsrn", "enhancenet")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Inner:
  width: int = option(4, "", lower=1)
  names: tuple[str, ...] = option(("a",), "", flag="name", repeated=True)
  kind: str = option("x", "", choices=("x", "y"))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Train:
  inner: Inner = Inner(width=5)
  rate: float | None = option(None, "The rate.")
  icnr: bool = option(True, "")
  seed: int = seed()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Use:
  kind: str = option("x", "", choices=("x", "y"))
  seed: int = seed()


def _idle(settings):
  if settings.inner.kind == "y":
    yield {"icnr"}, "--kind=y"


def _parse(*arguments, **options):
  base = {"x": Train(), "y": Train(inner=Inner(kind="y", width=9), rate=2.0)}
  commands = {
    "train": Command(
      Train, print, base=lambda given: base[given.get("kind", "x")], idle=_idle
    ),
    "use": Command(Use, print, folder="named"),
  }
  return command_line.parse("test", commands, arguments, **options)


def test_what_is_given_replaces_the_values_of_the_preset(tmp_path):
  (tmp_path / "some.flags").write_text("--width=7\n--name=b\n--name=c\n")
  assert _parse().settings == Train()
  given = _parse("--kind=y", f"--flagfile={tmp_path}/some.flags", "--rate=3")
  inner = Inner(kind="y", width=7, names=("b", "c"))
  assert given.settings == Train(inner=inner, rate=3.0)
  # Even where it is the declared value.
  assert _parse("--kind=y", "--width=4").settings.inner.width == 4
  assert given.run.output_dir == "runs/some"
  assert _parse("--mode=use").run.output_dir == "runs/test"
  assert _parse("--output_dir=here").run.output_dir == "here"


def test_flags_without_effect_are_refused_where_they_are_typed(tmp_path):
  file = tmp_path / "some.flags"
  file.write_text("--width=7\n--noicnr\n--kind=y\n")
  for mode in ("train", "use"):
    _parse(f"--flagfile={file}", f"--mode={mode}", "--seed=3")
  with pytest.raises(UserError, match="--icnr has no effect with --mode=use"):
    _parse("--mode=use", "--noicnr")
  with pytest.raises(UserError, match="--icnr has no effect with --kind=y"):
    _parse(f"--flagfile={file}", "--icnr")


def test_two_settings_of_one_name_must_be_one():
  @dataclasses.dataclass(frozen=True)
  class Other:
    rate: float = option(1.0, "Another rate.")

  commands = {"a": Command(Train, print), "b": Command(Other, print)}
  with pytest.raises(TypeError, match="share the flag rate"):
    command_line.parse("test", commands, [])


def test_help_lists_flags_with_the_values_that_they_have():
  text = _parse("--help").help
  assert "--rate: The rate." in text and "--mode: <train|use>" in text
  assert re.search(r"--width: .*\n +\(default: '5'\)", text)


# Bad flags of every entry point, and what is said of them (a regular expression). What
# the settings of `sr` and `normals` refuse is tested beside those.
_OLD = ("--output_dir=old", "--output_dir=old holds a run with other settings")
_CASES = {
  "sr": [
    _OLD,
    ("stray", "unexpected arguments: stray"),
    ("--seed=1 -- more", "unexpected arguments: more"),
    ("--sed=1", "Unknown command line flag 'sed'. Did you mean: .*seed"),
    ("--output_dir=photo.png/x", "--output_dir=photo.png/x: must be a folder"),
    ("--output_dir=filled", "--output_dir must be empty or a run folder"),
    ("--flagfile=", "--flagfile: there is no file ''"),
    ("--flagfile=nested.flags", "flagfile.*absent.flags"),
    ("--flagfile=unknown.flags", "Unknown command line flag 'no_such_flag'"),
    ("--flagfile=words.flags", "unexpected arguments: some words"),
    ("--mode=upscale --input=photo.png --output=o.png", "--weights.*runs/sr/generator"),
    ("--replicas=2", "--replicas has no effect"),
    ("--mode=upscale --precision=mixed_bfloat16", "--precision has no effect with --m"),
    ("--mode=export --max_images=3", "--max_images has no effect with --mode=export"),
    ("--weights=g.keras", "--weights has no effect with --mode=train"),
    ("--optimizer=sgd", "--optimizer has no effect with --model=srgan"),
    ("--model=lapsrn --lambda_cx=3", "--lambda_cx has no effect with --model=lapsrn"),
    ("--initial_weights=pretrained-mse --blocks=2", "--blocks has no effect with --in"),
    (
      "--model=lapsrn --data=samples --initial_weights=pretrained-mse",
      "--initial_weights: .* must be one of models.lapsrn",
    ),
  ],
  "normals": [
    _OLD,
    ("--mode=evaluate", "--weights.*runs/normals_quick/network.keras"),
    ("--backbone=vgg19", "bundled weights are those of --backbone=vgg16"),
  ],
  "normals.ablation": [
    ("--mode=evaluate", "Unknown command line flag 'mode'"),
    ("--epochs=0 --pretrain_epochs=1", "--epochs and --lambda_cx must be positive"),
  ],
  "single_image": [
    ("--image=none.png", "--image must be"),
    ("--crop_size=30", "--crop_size must be a multiple of --scale"),
    ("--patch_size=500", "--patch_size must be at most --crop_size=384"),
    ("--steps=150", "--steps must be a multiple of --log_every"),
  ],
  "distributions": [
    ("--size=130", "--size must be a multiple of --scale"),
    ("--size=8 --patch_size=9", "--size must be at least --patch_size"),
    ("--snapshot_every=7", "--snapshot_every must divide --steps"),
    ("--corner=a,b", "--corner must be ROW,COLUMN"),
  ],
  "spatial_support": [
    ("--block=5", "--size must be a multiple of --block"),
    ("--scale=5", "--size must be a multiple of --scale"),
    ("--layers=block4_conv1", "--layers must name layers of --backbone_weights"),
    ("--pixels=3:64", "--pixels must be ROW:COLUMN, each from 0 to 63"),
  ],
  "power_spectrum": [
    ("--method=ours", "--method must be NAME=SOURCE"),
    ("--method=ours=none", "--method=ours must be a folder"),
    ("--window=31", "--window=31: must be even"),
    ("--flagfile=power_spectrum.flags", "--method=LapSRN must be a folder"),
  ],
  "compare_sr": [
    ("--methods=ours,ours", "--methods.*each once"),
    ("--crop_size=30", "--crop_size must be a multiple of 4"),
    ("--pretrain_share=0.04", "--pretrain_share must leave steps to both phases"),
  ],
  "toy2d": [("--samples=5", "--samples must be more than --neighbours")],
  "twoafc": [
    ("--lowlevel= --nets=", "--nets, --distances and --lowlevel leave no"),
    ("--nets=alex", "--weights_dir must name the folder"),
    ("--nets=alex --weights_dir=.", "--weights_dir must hold alexnet_imagenet.npz"),
    ("--data_dir=photo.png", "--data_dir must be a folder"),
    ("--triplet=photo.png,photo.png,none.png", "--triplet must be three files"),
  ],
}
_REFUSED = [(module, *case) for module, cases in _CASES.items() for case in cases]


@pytest.fixture(name="folder")
def _folder(tmp_path, monkeypatch):
  (tmp_path / "photo.png").write_bytes(bad_images.intact()["rgb.png"][0])
  for folder in ("filled", "old"):
    (tmp_path / folder).mkdir()
  (tmp_path / "filled" / "letter.txt").write_text("not of a run")
  (tmp_path / "old" / "settings.json").write_text('{"seed": 77}')
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
  assert last.startswith(f"{module}: ")
  assert re.search(message, last), last
  # Trainings with a default flagfile say that they read it.
  assert all("no --flagfile, so flags/" in line for line in others)
  assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("path", _FLAGFILES, ids=lambda path: path.stem)
def test_flagfiles_hold_settings_of_their_entry_points(path, tmp_path, monkeypatch):
  for folder in ("data/bapps/2afc", "data/weights"):
    (tmp_path / folder).mkdir(parents=True)
  monkeypatch.chdir(tmp_path)
  name = path.stem
  for variant in ("_quick", "_l1_0", "_small"):
    name = name.removesuffix(variant)
  module = "sr" if name in _SR_FLAGFILES else name
  parsed, parse = [], command_line.parse

  def stop(*arguments, **options):
    parsed.append(parse(*arguments, **options))
    raise UserError("that was all")

  monkeypatch.setattr(command_line, "parse", stop)
  _, _, err = in_process.run(module, f"--flagfile={path.name}", "--seed=3")
  assert err == f"{module}: that was all\n"
  assert parsed[0].settings.seed == 3
  assert parsed[0].run.output_dir == f"runs/{path.stem}"


def test_real_command_ends_with_exit_code_1_and_one_line(tmp_path):
  code, out, err = command.run(
    "experiments.sr", f"--output_dir={tmp_path}", "--bandwidth=nan"
  )
  assert (code, out) == (1, "")
  assert err == "sr: flag --bandwidth=nan: must be positive and finite\n"


def test_modules_import_without_flags_and_the_report_without_tensorflow():
  script = """
import sys
sys.argv = ["report", "--help"]
import runpy
try:
  runpy.run_module("experiments.report", run_name="__main__")
except SystemExit as stop:
  assert not stop.code
assert not {"tensorflow", "keras"} & set(sys.modules), "TensorFlow was imported"
import experiments.sr.train
from absl import flags
assert "lambda_cx" not in flags.FLAGS and "seed" not in flags.FLAGS
"""
  done = subprocess.run(
    [sys.executable, "-c", script], cwd=command.ROOT, capture_output=True, text=True
  )
  assert done.returncode == 0, done.stderr
