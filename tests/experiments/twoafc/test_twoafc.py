import functools
import os

import pytest
from PIL import Image

from experiments.common import results
from experiments.twoafc import __main__ as twoafc
from experiments.twoafc import generated_triplets
from tests import golden_pairs
from tests.experiments import in_process

_run = functools.partial(in_process.run, "twoafc")


def test_generated_set_is_scored_without_people(tmp_path):
  run = tmp_path / "run"
  arguments = ["--triplets=2", "--lowlevel=l2", f"--output_dir={run}"]
  code, out, err = _run(*arguments)
  assert code == 0, err
  assert "not human data" in out and "Human" not in out
  content = results.read(run)
  rows = {row["distance"]: row for row in content["rows"]}
  assert list(rows) == ["L2", "VGG front L2", "VGG front CX"]
  assert rows["L2"]["Mean"] == 100.0
  assert content["about"]["data"] == "generated triplets"
  assert not content["about"]["human"]
  # The contextual loss forgives features that moved.
  ratios = content["about"]["strong_over_blur"]
  assert ratios["VGG front CX"]["Shift"] < ratios["VGG front L2"]["Shift"] / 2
  for name in ("scores.png", "strengths.png", "examples.png"):
    with Image.open(run / name) as picture:
      assert min(picture.size) > 200
  assert list((run / "tensorboard" / "shift").iterdir())


def test_archive_is_scored_beside_the_paper_and_only_once(tmp_path, capsys):
  generated_triplets.write(tmp_path, 2, seed=3)
  subset = tmp_path / "val" / "traditional"
  (tmp_path / "val" / "noise").rename(subset)
  settings = twoafc.Settings(data_dir=str(tmp_path), subsets=("traditional",), nets=())

  def score():
    twoafc.run(twoafc.prepare(settings), tmp_path)
    return capsys.readouterr().out

  out = score()
  assert "100.0/80.8" in out and "-/84.4" in out
  content = results.read(tmp_path)
  rows = {row["distance"]: row for row in content["rows"]}
  assert rows["Human"]["tradit."] == 100 and rows["FSIMc"]["CNN"] is None
  assert content["about"]["human"]
  # Measured once more, exchanged images would change the scores.
  for old, new in (("p0", "old"), ("p1", "p0"), ("old", "p1")):
    (subset / old).rename(subset / new)
  assert score() == out


def test_one_triplet_is_ranked_by_every_net_and_distance(tmp_path):
  reference, blocks = golden_pairs.pair("block_means")
  triplet = {"ref": reference, "p0": blocks, "p1": golden_pairs.pair("rolled")[1]}
  for name, image in triplet.items():
    Image.fromarray(image).save(tmp_path / f"{name}.png")
  files = ",".join(str(tmp_path / f"{name}.png") for name in triplet)
  folder = os.environ.get("CXLOSS_WEIGHTS_DIR")
  nets = "squeeze,alex,vgg,vgg_front" if folder else "vgg_front"
  code, out, err = _run(
    f"--triplet={files}", f"--nets={nets}", "--distances=l2,cx,lpips"
  )
  assert code == 0, err
  rows = {line[:14].strip(): line[14:].split() for line in out.splitlines()}
  scores = golden_pairs.SCORES["block_means"]
  assert float(rows["SSIM"][0]) == pytest.approx(1 - scores["ssim_rgb"], abs=1e-4)
  assert rows["VGG front CX"][2] == "p1"
  if folder:
    assert rows["Alex LPIPS"] == ["0.38211", "0.06002", "p1"]
    assert rows["Alex L2"][0] == "3.48082"
    nets = ("Squeeze", "Alex", "VGG")
    assert {f"{net} {name}" for net in nets for name in ("L2", "CX")} <= set(rows)
