"""LPIPS and its baseline.

Where `CXLOSS_WEIGHTS_DIR` names a folder with alexnet_imagenet.npz,
vgg16_imagenet.npz and lpips_lin_alexnet.npz, distances are compared with what the
LPIPS code itself gives on its example.
"""

import os
import pathlib

import numpy as np
import pytest
from PIL import Image

import cxloss
from cxloss.metrics import lpips_network
from tests.cxloss import oracle

_EXAMPLE = pathlib.Path(__file__).parents[2] / "data" / "lpips"
_WEIGHTS = os.environ.get("CXLOSS_WEIGHTS_DIR")
# Distance of p0 from ref by richzhang/PerceptualSimilarity, version 0.1.
_BASELINE = {"alexnet": 4.8265557, "vgg16": 5.9099846}
_LPIPS = {"alexnet": 0.7218807}


def _example_maps(architecture):
  if not _WEIGHTS:
    pytest.skip("CXLOSS_WEIGHTS_DIR names no folder with weights")
  path = pathlib.Path(_WEIGHTS) / f"{architecture}_imagenet.npz"
  layers = lpips_network.TAPS[architecture]
  if architecture == "vgg16":
    features = cxloss.VGGFeatures(layers, "vgg16", path, (0, 255))
  else:
    features = cxloss.AlexNetFeatures(layers, path, (0, 255))
  images = [np.asarray(Image.open(_EXAMPLE / f"{n}.png")) for n in ("ref", "p0")]
  return [[m for _, m in features(np.float32(image[None]))] for image in images]


@pytest.mark.parametrize("architecture", list(_BASELINE))
def test_baseline_is_that_of_the_lpips_code(architecture):
  value = lpips_network.distance(*_example_maps(architecture))
  assert float(value[0]) == pytest.approx(_BASELINE[architecture], rel=1e-4)


def test_learned_weights_give_the_number_of_the_lpips_readme():
  maps = _example_maps("alexnet")
  path = pathlib.Path(_WEIGHTS) / "lpips_lin_alexnet.npz"
  value = lpips_network.distance(
    *maps, lpips_network.read_heads(path, lpips_network.TAPS["alexnet"])
  )
  assert float(value[0]) == pytest.approx(_LPIPS["alexnet"], rel=1e-4)


def test_distance_is_the_mean_over_positions_of_the_weighted_squared_difference():
  shapes = [(2, 5, 4, 6), (2, 3, 2, 8)]
  a = [oracle.features(i, *shape) for i, shape in enumerate(shapes)]
  b = [oracle.features(10 + i, *shape) for i, shape in enumerate(shapes)]
  heads = [np.abs(oracle.features(9, shape[3])) for shape in shapes]
  expected = np.zeros(2)
  for x, y, head in zip(a, b, heads, strict=True):
    _, height, width, _ = x.shape
    for n, h, w in np.ndindex(2, height, width):
      u, v = x[n, h, w], y[n, h, w]
      difference = u / np.linalg.norm(u) - v / np.linalg.norm(v)
      expected[n] += (head * difference**2).sum() / (height * width)
  np.testing.assert_allclose(lpips_network.distance(a, b, heads), expected, rtol=1e-5)
  ones = [np.ones_like(head) for head in heads]
  plain = lpips_network.distance(a, b)
  np.testing.assert_allclose(plain, lpips_network.distance(a, b, ones), rtol=1e-6)


def test_features_of_zero_norm_are_no_fault():
  dark, bright = np.zeros((1, 2, 2, 3), "float32"), np.ones((1, 2, 2, 3), "float32")
  assert float(lpips_network.distance([dark], [dark])[0]) == 0.0
  assert float(lpips_network.distance([dark], [bright])[0]) == pytest.approx(1.0)


def test_heads_that_do_not_fit_are_refused(tmp_path):
  np.savez(tmp_path / "h.npz", **{"lin/conv1": np.ones((1, 64), "float32")})
  with pytest.raises(ValueError, match=r"lin/conv1.*\(channels,\).*\(1, 64\)"):
    lpips_network.read_heads(tmp_path / "h.npz", ["conv1"])
  with pytest.raises(ValueError, match=r"lin/conv2.*no such array"):
    lpips_network.read_heads(tmp_path / "h.npz", ["conv2"])
  with pytest.raises(FileNotFoundError, match=r"none\.npz"):
    lpips_network.read_heads(tmp_path / "none.npz", ["conv1"])
