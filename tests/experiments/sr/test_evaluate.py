import csv
import functools
import os
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image

from experiments.common import results
from experiments.common.data import images, sources
from experiments.common.run.errors import UserError
from experiments.sr import evaluate
from experiments.sr.__main__ import COMMANDS
from models import srgan
from tests.experiments import command, in_process
from tests.experiments.common.upscaling.photographs import Photographs

_run = functools.partial(in_process.run, "sr", "--mode=evaluate")


@pytest.fixture(scope="module", name="base")
def _base(tmp_path_factory):
  """Two sets, results for both in one folder, and a network."""
  base = tmp_path_factory.mktemp("evaluation")
  rng = np.random.default_rng(0)
  for name, image, size in (("one", "a", 210), ("one", "b", 42), ("two", "a", 50)):
    pixels = rng.integers(0, 256, (size, size + 6, 3)).astype(np.uint8)
    images.write_png(base / name / f"{image}.png", pixels)
    images.write_png(base / "results" / name / f"{image}.png", pixels)
  # An untrained generator's pictures may be flat, which have no NIQE.
  layers = keras.Input((None, None, 3)), keras.layers.UpSampling2D(4)
  keras.Sequential(layers).save(base / "net.keras")
  return base


def test_sets_and_methods_are_reported_side_by_side(base):
  code, out, err = _run(
    f"--weights={base / 'net.keras'}",
    f"--data={base / 'one'},{base / 'two'}",
    f"--method=copies={base / 'results'}",
    f"--output_dir={base / 'run'}",
  )
  assert code == 0, err
  assert "\r" not in err  # no terminal
  folder = base / "run" / "evaluation"
  rows = list(csv.DictReader((folder / "evaluation.csv").open()))
  methods = ["bicubic", "net", "copies", "original"]
  assert [(r["set"], r["image"], r["method"]) for r in rows] == [
    (*place, method)
    for place in (("one", "a"), ("one", "b"), ("two", "a"))
    for method in methods
  ]
  content = results.read(folder)
  protocol = content["about"]["protocol"]
  assert protocol["scale"] == protocol["shave"] == 4
  assert protocol["packages"]["tensorflow"]
  assert content["about"]["sets"]["one"] == str(base / "one")
  found = {(r["set"], r["image"], r["method"]): r for r in content["rows"]}
  assert len(found) == len(content["rows"]) == len(rows)
  net, copies = (found["one", "a", method] for method in ("net", "copies"))
  assert f"{net['psnr_y']:.6g}" == rows[1]["psnr_y"]
  mean = np.mean([net["psnr_y"], found["one", "b", "net"]["psnr_y"]])
  assert f"{mean:.2f}" in out
  # The copies are perfect; NIQE needs no original, and larger images than most here.
  assert copies["psnr_y"] is None and copies["ssim_y"] == 1
  assert copies["niqe"] == found["one", "a", "original"]["niqe"] > 0
  assert [r["niqe"] == "" for r in rows] == [False] * 4 + [True] * 8
  assert (rows[4]["width"], rows[4]["height"]) == ("48", "40")
  assert "Note: niqe of one: no value for 1 of 2 images, such as b: " in out
  assert "Note: psnr_y of copies, two: infinite" in out
  assert (folder / "pictures" / "two-a" / "copies.png").exists()
  with Image.open(folder / "panels" / "one" / "a.png") as panel:
    assert panel.size[0] > panel.size[1] > 400


def _evaluate(folder, *arguments):
  settings = in_process.settings(COMMANDS, "--mode=evaluate", *arguments)
  evaluate.evaluate(settings, folder)


def test_images_are_chosen_and_no_network_is_needed_beside_methods(base, capsys):
  _evaluate(base / "chosen", f"--data={base / 'one'}", "--images=b", "--method=nearest")
  out = capsys.readouterr().out
  assert "one: 1 image of" in out and "nearest" in out and "net" not in out.split()


@pytest.mark.parametrize("taken", ["bicubic", "original"])
def test_a_network_does_not_take_the_place_of_what_is_always_there(base, taken):
  weights = shutil.copy(base / "net.keras", base / f"{taken}.keras")
  folder = base / f"named_{taken}"
  _evaluate(folder, f"--weights={weights}", f"--data={base / 'two'}")
  methods = [row["method"] for row in results.read(folder / "evaluation")["rows"]]
  assert methods == ["bicubic", "start", "original"]


@pytest.mark.parametrize(
  ("arguments", "message"),
  [
    (["--images=c"], "--images: "),
    (["--method=x=/nowhere"], "--method=x must be"),
    (["--lpips_heads=x.npz", "--lpips_weights=y.npz"], "There is no file x.npz"),
    (["--weights=/nowhere.keras"], "--weights must be"),
  ],
)
def test_mistakes_are_named_before_anything_is_written(base, arguments, message):
  folder, weights = base / "mistake", f"--weights={base / 'net.keras'}"
  with pytest.raises(UserError, match=message):
    _evaluate(folder, weights, f"--data={base / 'one'}", *arguments)
  assert not folder.exists()


def _sets(data, *choice):
  """The names of the images of each set."""
  found = evaluate.load_sets(data, 4, *choice)
  return {name: pairs.names for name, (_, pairs) in found.items()}


def test_sets_are_listed_by_commas_and_images_chosen_by_name_and_number(tmp_path):
  for name in ("one/0001", "one/0002", "one/0010", "two/b,c"):
    images.write_png(tmp_path / f"{name}.png", np.zeros((40, 34, 3), np.uint8))
  one = str(tmp_path / "one")
  assert _sets(f"{one},samples,textures,{tmp_path / 'two'}") == {
    "one": ["0001", "0002", "0010"],
    "samples": ["chelsea", "coffee"],
    "textures": ["brick", "grass", "gravel"],
    "two": ["b,c"],
  }
  # A comma in a path, and two folders of one name.
  assert _sets(str(tmp_path / "two" / "b,c.png")) == {"b,c": ["b,c"]}
  assert _sets(f"{one},{one}/*2.png") == {
    "one": ["0001", "0002", "0010"],
    "one-2": ["0002"],
  }
  assert _sets(one, ["0010", "0001"]) == {"one": ["0001", "0010"]}
  assert _sets(one, ["*"], 1) == {"one": ["0001"]}
  with pytest.raises(UserError, match=r"--images: .*one holds no image '0003'"):
    _sets(one, ["0001", "0003"])
  images.write_png(tmp_path / "one" / "0001.jpg", np.zeros((40, 40, 3), np.uint8))
  with pytest.raises(UserError, match="Received: several named 0001"):
    _sets(one)


@pytest.mark.parametrize(
  ("names", "split", "count"),
  [(None, "validation", 10), (["0801"], "validation", 1), (["000?"], "train", 9)],
)
def test_div2k_is_opened_where_the_images_are(monkeypatch, names, split, count):
  def open_stub(split):
    opened.append(split)
    stub = Photographs([np.zeros((16, 16, 3), np.uint8)] * 10)
    first = {"train": 1, "validation": 801}[split]
    stub.names = [f"{first + i:04d}" for i in range(10)]
    return stub

  opened = []
  monkeypatch.setattr(sources, "Div2k", open_stub)
  (chosen,) = _sets("div2k", names).values()
  assert (opened, len(chosen)) == ([split], count)


_GROWTH = """
import pathlib, resource, sys
import numpy as np
from experiments.common.upscaling import compare, measure, pairs, upscalers
from models import srgan

srgan.generator(1, 4).save(sys.argv[1] + "/net.keras")
own = {"net": upscalers.network(pathlib.Path(sys.argv[1]) / "net.keras", 4, "-w")}
methods = upscalers.load([], [], 4, own=own)
comparison = compare.Comparison(measure.Measures(4), pathlib.Path(sys.argv[1]))
rng = np.random.default_rng(0)
for name, width in (("a", 1024), ("b", 2048), ("c", 2048), ("d", 2048)):
  hr = rng.integers(0, 256, (768, width, 3), np.uint8)
  comparison.add(methods, [(name, *pairs.make_pair(hr, 4))], "set")
  print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


@pytest.mark.slow
def test_memory_grows_little_with_the_picture_and_not_with_their_number(tmp_path):
  done = subprocess.run(
    [sys.executable, "-c", _GROWTH, tmp_path],
    cwd=command.ROOT,
    capture_output=True,
    text=True,
    check=True,
  )
  small, large, *more = map(int, done.stdout.split())
  # 90 bytes a pixel are 3 GB for 7680 x 4320, and leave 1 GB of 4 for the rest.
  assert large - small < 90 * 768 * 1024
  assert max(more) - large < 30 * 768 * 1024


@pytest.mark.slow
def test_evaluation_and_upscaling_of_2k_images_stay_below_4_gb(tmp_path):
  rng = np.random.default_rng(0)
  for name in ("0001", "0002"):
    coarse = rng.integers(0, 256, (113, 170, 3), np.uint8)
    picture = Image.fromarray(coarse).resize((2040, 1356), Image.Resampling.BICUBIC)
    images.write_png(tmp_path / "hr" / f"{name}.png", np.asarray(picture))
  srgan.generator().save(tmp_path / "net.keras")
  weights = f"--weights={tmp_path / 'net.keras'}"
  for arguments in (
    ["--mode=evaluate", f"--data={tmp_path / 'hr'}", f"--output_dir={tmp_path}"],
    [
      "--mode=upscale",
      f"--input={tmp_path / 'hr' / '0001.png'}",
      f"--output={tmp_path / 'large.png'}",
    ],
  ):
    process = command.start("experiments.sr", weights, *arguments)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, process.stderr.read()
    assert usage.ru_maxrss < 4 << 20  # KiB
  with Image.open(tmp_path / "large.png") as large:
    assert large.size == (8160, 5424)
