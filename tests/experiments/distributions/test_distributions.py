import functools
import json

import pytest
from PIL import Image

from tests.experiments import command

_TINY = [
  "--size=64",
  "--corner=70,120",
  "--shift=8",
  "--steps=60",
  "--snapshot_every=20",
  "--losses=l1,cx",
  "--learning_rate=0.01",
  "--projections=4",
  "--gif",
]
_run = functools.partial(command.run, "experiments.distributions")


def test_contextual_loss_keeps_the_distribution_that_l1_loses(tmp_path):
  run = tmp_path / "run"
  code, out, err = _run(*_TINY, f"--output_dir={run}")
  assert code == 0, err
  metrics = json.loads((run / "metrics.json").read_text())
  overlap = {name: row["overlap"] for name, row in metrics.items()}
  assert overlap["contextual"] > 0.03 + max(overlap["L1"], overlap["input"])
  assert metrics["contextual"]["kl"] < metrics["input"]["kl"] < metrics["L1"]["kl"]
  assert str(run / "distributions.png") in out
  for name in ("distributions.png", "iterations.png"):
    with Image.open(run / name) as picture:
      assert min(picture.size) > 300
  with Image.open(run / "cx.gif") as animation:
    assert animation.n_frames == 4
  steps = [json.loads(line)["step"] for line in (run / "metrics.jsonl").open()]
  assert steps == [20, 40, 60] * 2

  # What a killed run lacks is made again, the rest is kept.
  (run / "iterations" / "cx" / "000060.png").unlink()
  (run / "metrics.json").unlink()
  code, out, err = _run(*_TINY, f"--output_dir={run}")
  assert code == 0 and "loss:" not in out, err
  assert json.loads((run / "metrics.json").read_text()) == metrics


@pytest.mark.parametrize(
  ("argument", "message"),
  [
    ("--corner=9,9", "--corner must be ROW,COLUMN from 10,10 to 162,313"),
    ("--size=400", "--image must be at least 420 x 420"),
  ],
)
def test_details_beyond_the_photograph_are_refused_in_one_line(
  tmp_path, argument, message
):
  code, _, err = _run(argument, f"--output_dir={tmp_path / 'run'}")
  assert code == 1
  assert message in err and len(err.strip().splitlines()) == 1
  assert not (tmp_path / "run").exists()
