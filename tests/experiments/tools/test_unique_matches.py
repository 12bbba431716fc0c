import numpy as np
import pytest

import cxloss
from experiments.common.data import bicubic, samples
from experiments.common.upscaling import pairs
from experiments.tools import unique_matches
from tests.experiments import in_process


def test_rows_are_means_of_photographs_for_each_weight():
  settings = unique_matches.Settings(
    layer="block2_conv2", side=64, spatial_weights=(0.0, 1e4)
  )
  photographs = [samples.photograph(name) for name in ("coffee", "chelsea")]
  rows = unique_matches.measure(photographs, settings)
  single = unique_matches.measure(photographs[:1], settings)
  assert [row["spatial weight"] for row in rows] == ["0", "10000"]
  free, bound = (row["unique"] for row in rows)
  # The next place is farther by 10 (1e4 / 32 ** 2), all features by 1 at most.
  assert 10 < free < 90 and bound > 99
  assert rows[0]["unique"] != single[0]["unique"]


def test_middle_of_a_photograph_is_compared_with_its_moved_reconstruction():
  settings = unique_matches.Settings(
    layer="block1_conv1", side=32, shift=8, spatial_weights=(0.1,)
  )
  photograph = samples.photograph("coffee")
  [row] = unique_matches.measure([photograph], settings)
  reduced, target = pairs.make_pair(photograph[184:216, 284:316], 4)
  generated = bicubic.upscale(reduced[None], 4)[:, :, :-8]
  features = cxloss.VGGFeatures("block1_conv1", "vgg16", "bundled", (0, 255))
  sets = [
    features(images)[0][1] for images in (np.float32(target[None, :, 8:]), generated)
  ]
  for key, factor, function in (
    ("unique", 100, cxloss.unique_match_share),
    ("loss", 1, cxloss.contextual_loss),
  ):
    expected = factor * function(*sets, spatial_weight=0.1)[0]
    np.testing.assert_allclose(row[key], expected, rtol=1e-5)


@pytest.mark.slow
def test_command_prints_a_line_for_each_weight():
  out, _ = in_process.succeed(
    "tools.unique_matches", "--side=64", "--spatial_weights=0,1"
  )
  lines = out.splitlines()
  assert lines[0].split()[:2] == ["spatial", "weight"]
  assert [line.split()[0] for line in lines[1:3]] == ["0", "1"]
