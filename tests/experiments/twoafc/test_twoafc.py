import csv
import functools
import json
import os
import pathlib

from PIL import Image

from experiments.twoafc import generated_triplets
from tests.experiments import command

_EXAMPLE = pathlib.Path(__file__).parents[2] / "data" / "lpips"
_TRIPLET = ",".join(str(_EXAMPLE / f"{name}.png") for name in ("ref", "p0", "p1"))
_run = functools.partial(command.run, "experiments.twoafc")


def test_generated_set_is_scored_without_people(tmp_path):
  run = tmp_path / "run"
  arguments = ["--triplets=2", "--lowlevel=l2", f"--output_dir={run}"]
  code, out, err = _run(*arguments)
  assert code == 0, err
  assert "not human data" in out and "Human" not in out
  record = json.loads((run / "scores.json").read_text())
  assert list(record["scores"]) == ["L2", "VGG front L2", "VGG front CX"]
  assert record["columns"]["L2"]["mean"] == 100.0
  # What the contextual loss forgives: features that moved.
  ratios = record["strong_over_blur"]
  assert ratios["VGG front CX"]["shift"] < ratios["VGG front L2"]["shift"] / 2
  for name in ("scores.png", "strengths.png", "examples.png"):
    with Image.open(run / name) as picture:
      assert min(picture.size) > 200
  assert list((run / "tensorboard" / "shift").iterdir())


def test_archive_is_scored_beside_the_paper_and_only_once(tmp_path):
  generated_triplets.write(tmp_path, 2, seed=3)
  (tmp_path / "val" / "noise").rename(tmp_path / "val" / "traditional")
  run = tmp_path / "run"
  arguments = [
    f"--data_dir={tmp_path}",
    "--subsets=traditional",
    "--nets=",
    f"--output_dir={run}",
  ]
  code, out, err = _run(*arguments)
  assert code == 0, err
  assert "100.0/80.8" in out and "-/84.4" in out
  with (run / "scores.csv").open() as file:
    cells = {(row["distance"], row["column"]): row for row in csv.DictReader(file)}
  assert cells["FSIMc", "tradit."]["paper"] == "61.4"
  assert cells["FSIMc", "CNN"]["ours"] == ""
  # Measured once more, exchanged images would change the scores.
  subset = tmp_path / "val" / "traditional"
  for old, new in (("p0", "old"), ("p1", "p0"), ("old", "p1")):
    (subset / old).rename(subset / new)
  code, again, err = _run(*arguments)
  assert code == 0, err
  assert again.split("Agreement")[1] == out.split("Agreement")[1]


def test_one_triplet_is_ranked_by_every_net_and_distance():
  folder = os.environ.get("CXLOSS_WEIGHTS_DIR")
  nets = "squeeze,alex,vgg,vgg_front" if folder else "vgg_front"
  code, out, err = _run(
    f"--triplet={_TRIPLET}", f"--nets={nets}", "--distances=l2,cx,lpips"
  )
  assert code == 0, err
  rows = {line[:14].strip(): line[14:].split() for line in out.splitlines()}
  assert rows["SSIM"][0] == "0.56327"
  assert rows["VGG front CX"][2] == "p1"
  if folder:
    assert rows["Alex LPIPS"] == ["0.72188", "0.13757", "p1"]
    assert rows["Alex L2"][0] == "4.82656"
    nets = ("Squeeze", "Alex", "VGG")
    assert {f"{net} {name}" for net in nets for name in ("L2", "CX")} <= set(rows)
