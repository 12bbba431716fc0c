"""LPIPS and its baseline, of feature maps.

Distances are compared with those of the LPIPS code where `CXLOSS_WEIGHTS_DIR` names a
folder with alexnet_imagenet.npz and vgg16_imagenet.npz; those of the weights that ship
with the package are in `metrics/test_learned.py`.
"""

import os
import pathlib

import numpy as np
import pytest

import cxloss
from cxloss import lpips
from tests import golden_pairs

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
