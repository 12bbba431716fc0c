import dataclasses
import json

import numpy as np
import pytest
import skimage.data
from PIL import Image

from experiments.common import results
from experiments.common.run.errors import UserError
from experiments.distributions import __main__ as distributions

_SETTINGS = distributions.Settings(
  size=64,
  corner=(70, 120),
  shift=8,
  steps=60,
  snapshot_every=20,
  losses=("l1", "cx"),
  learning_rate=0.01,
  projections=4,
  gif=True,
)


def test_contextual_loss_keeps_the_distribution_that_l1_loses(tmp_path):
  prepared = distributions.prepare(_SETTINGS)
  distributions.run(prepared, tmp_path)
  content = results.read(tmp_path)
  rows = {row["method"]: row for row in content["rows"]}
  overlap = {name: row["overlap"] for name, row in rows.items()}
  assert overlap["contextual"] > 0.03 + max(overlap["L1"], overlap["input"])
  assert rows["contextual"]["kl"] < rows["input"]["kl"] < rows["L1"]["kl"]
  assert content["columns"]["overlap"].better == "one"
  for name in ("distributions.png", "iterations.png"):
    with Image.open(tmp_path / name) as picture:
      assert min(picture.size) > 300
  for name in ("target", *rows):
    with Image.open(tmp_path / "pictures" / "chelsea" / f"{name}.png") as picture:
      assert picture.size == (64, 64)
  with Image.open(tmp_path / "cx.gif") as animation:
    assert animation.n_frames == 4
  log = (tmp_path / "metrics.jsonl").read_text()
  assert [json.loads(line)["step"] for line in log.splitlines()] == [20, 40, 60] * 2

  # What a killed run lacks is made again, the rest is kept.
  (tmp_path / "iterations" / "cx" / "000060.png").unlink()
  (tmp_path / "metrics.json").unlink()
  distributions.run(prepared, tmp_path)
  assert results.read(tmp_path) == content
  assert (tmp_path / "metrics.jsonl").read_text() == log


def test_target_lies_at_the_corner_or_in_the_middle():
  image = np.arange(30 * 40 * 3, dtype=np.uint16).reshape(30, 40, 3)
  settings = distributions.Settings(size=8, shift=2, corner=(5, 6))
  whole = distributions.target_with_border(settings, image)
  np.testing.assert_array_equal(whole[2:-2, 2:-2], image[5:13, 6:14])
  whole = distributions.target_with_border(
    dataclasses.replace(settings, corner=None), image
  )
  np.testing.assert_array_equal(whole, image[9:21, 14:26])


@pytest.mark.parametrize("corner", [(9, 9), (163, 20), (20, 314), (0, -10)])
def test_target_beyond_the_photograph_is_refused(corner):
  settings = distributions.Settings(corner=corner)
  with pytest.raises(UserError, match=r"--corner must be .* from 10,10 to 162,313"):
    distributions.target_with_border(settings, skimage.data.chelsea())
