"""LPIPS and its baseline, of feature maps.

Distances are compared with those of the LPIPS code where `CXLOSS_WEIGHTS_DIR` names a
folder with alexnet_imagenet.npz and vgg16_imagenet.npz; those of the weights that ship
with the package are in `metrics/test_learned.py`.
"""

import os
import pathlib

import numpy as np
import pytest
from keras import ops

import cxloss
from cxloss import lpips
from tests import golden_pairs
from tests.cxloss import oracle

_PAIRS = ("block_means", "rolled", "half_contrast")
_WEIGHTS = os.environ.get("CXLOSS_WEIGHTS_DIR")


def _maps(images, architecture):
  if not _WEIGHTS:
    pytest.skip("CXLOSS_WEIGHTS_DIR names no folder with weights")
  path = pathlib.Path(_WEIGHTS) / f"{architecture}_imagenet.npz"
  layers = lpips.LAYERS[architecture]
  if architecture == "vgg16":
    features = cxloss.VGGFeatures(layers, "vgg16", path, (0, 255))
  else:
    features = cxloss.AlexNetFeatures(layers, path, (0, 255))
  return [[m for _, m in features(np.float32(image[None]))] for image in images]


@pytest.mark.parametrize("name", _PAIRS)
@pytest.mark.parametrize(
  ("architecture", "key"), [("alexnet", "alex"), ("vgg16", "vgg")]
)
def test_baseline_is_that_of_the_lpips_code(architecture, key, name):
  value = lpips.distance(*_maps(golden_pairs.pair(name), architecture))
  expected = golden_pairs.SCORES[name][f"{key}_baseline"]
  assert float(value[0]) == pytest.approx(expected, rel=1e-4)


def test_distance_is_the_mean_over_positions_of_the_weighted_squared_difference():
  shapes = [(2, 5, 4, 6), (2, 3, 2, 8)]
  a = [oracle.features(i, *shape) for i, shape in enumerate(shapes)]
  b = [oracle.features(10 + i, *shape) for i, shape in enumerate(shapes)]
  heads = [np.abs(oracle.features(9, shape[3])) for shape in shapes]
  expected = np.zeros(2)
  for x, y, head in zip(a, b, heads, strict=True):
    u, v = (w / np.linalg.norm(w, axis=3, keepdims=True) for w in (x, y))
    expected += (head * (u - v) ** 2).sum(axis=3).mean(axis=(1, 2))
  found = ops.convert_to_numpy(lpips.distance(a, b, heads))
  np.testing.assert_allclose(found, expected, rtol=1e-5)
  ones = [np.ones_like(head) for head in heads]
  plain, weighed = (ops.convert_to_numpy(lpips.distance(a, b, h)) for h in (None, ones))
  np.testing.assert_allclose(plain, weighed, rtol=1e-6)


def test_features_of_zero_norm_are_no_fault():
  dark, bright = np.zeros((1, 2, 2, 3), "float32"), np.ones((1, 2, 2, 3), "float32")
  assert float(lpips.distance([dark], [dark])[0]) == 0.0
  assert float(lpips.distance([dark], [bright])[0]) == pytest.approx(1.0)


def test_heads_that_do_not_fit_are_refused(tmp_path):
  path = tmp_path / "h.npz"
  np.savez(path, **{"lin/conv1": np.ones((1, 64), "float32")})
  with pytest.raises(ValueError, match=r"lin/conv1.*\(channels,\).*\(1, 64\)"):
    lpips.read_heads(path, ["conv1"])
  with pytest.raises(ValueError, match=r"lin/conv2.*no such array"):
    lpips.read_heads(path, ["conv2"])
  path.write_bytes(path.read_bytes()[:-100])
  with pytest.raises(ValueError, match=r"LPIPS heads: an intact \.npz.*h\.npz"):
    lpips.read_heads(path, ["conv1"])
  with pytest.raises(FileNotFoundError, match=r"none\.npz"):
    lpips.read_heads(tmp_path / "none.npz", ["conv1"])
