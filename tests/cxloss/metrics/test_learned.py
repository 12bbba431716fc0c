"""LPIPS and DISTS of whole images, in tiles.

Distances are compared with those of the authors' codes: of LPIPS on AlexNet's weights
as they ship with the package, of DISTS on random weights, and on torchvision's where
`CXLOSS_WEIGHTS_DIR` names a folder with vgg16_imagenet.npz.
"""

import os
import pathlib

import numpy as np
import pytest
from keras import ops

import cxloss
from cxloss import dists, lpips, metrics
from tests import golden_pairs
from tests.cxloss import vgg16

_PAIRS = ("block_means", "rolled", "half_contrast")
_WEIGHTS = os.environ.get("CXLOSS_WEIGHTS_DIR")
# Of dingkeyan93/DISTS (PyPI's DISTS-pytorch 0.1).
_DISTS_RANDOM = {
  "block_means": 0.01097846,
  "rolled": 0.03320342,
  "half_contrast": 0.17324841,
  "odd": 0.00527728,
}
_DISTS_TORCHVISION = {
  "block_means": 0.37191010,
  "rolled": 0.14411050,
  "half_contrast": 0.14677095,
  "odd": 0.37894809,
}


@pytest.fixture(scope="module", name="bundled")
def _bundled():
  return metrics.LPIPS(value_range=(0, 255))


def test_bundled_weights_give_the_distances_of_the_lpips_code(bundled):
  originals, images = zip(*map(golden_pairs.pair, _PAIRS), strict=True)
  found = bundled(np.stack(originals), np.stack(images))
  expected = [golden_pairs.SCORES[name]["alex_lpips"] for name in _PAIRS]
  # AlexNet's weights are rounded to float16.
  np.testing.assert_allclose(found, expected, rtol=1e-3)
  assert bundled.lower_is_better and bundled.architecture == "alexnet"


def _dists_pair(name):
  if name == "odd":
    return (image[:203, :141] for image in golden_pairs.pair("large_block_means"))
  return golden_pairs.pair(name)


@pytest.fixture(scope="module", name="random_vgg16")
def _random_vgg16(tmp_path_factory):
  path = tmp_path_factory.mktemp("weights") / "vgg16.npz"
  vgg16.random_weights(path)
  return path


def test_dists_is_that_of_its_authors_code_also_in_tiles(random_vgg16):
  metric = metrics.DISTS((0, 255), random_vgg16)
  assert metric.lower_is_better
  for name, expected in _DISTS_RANDOM.items():
    a, b = (image[None] for image in _dists_pair(name))
    assert metric(a, b)[0] == pytest.approx(expected, rel=1e-4), name
  a, b = (v[None, :, :48] for v in golden_pairs.pair("large_block_means"))
  expected = metric(a, b)[0]
  assert metric(b, a)[0] == pytest.approx(expected, rel=1e-5)
  assert metric(a, a)[0] == 0
  tiled = metrics.DISTS((0, 1), random_vgg16, tile=64)
  assert tiled(a / 255, b / 255)[0] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("name", _DISTS_TORCHVISION)
def test_dists_by_torchvision_is_that_of_its_authors_code(name):
  if not _WEIGHTS:
    pytest.skip("CXLOSS_WEIGHTS_DIR names no folder with weights")
  metric = metrics.DISTS((0, 255), pathlib.Path(_WEIGHTS) / "vgg16_imagenet.npz")
  found = metric(*(image[None] for image in _dists_pair(name)))
  np.testing.assert_allclose(found, _DISTS_TORCHVISION[name], rtol=1e-4)


def test_dists_of_feature_maps_is_that_of_whole_images(random_vgg16):
  features, weights = dists.Maps(random_vgg16, (0, 255)), dists.read_weights()
  assert sum(
    v.sum(dtype=np.float64) for pair in weights for v in pair
  ) == pytest.approx(1)
  pair = (np.float32(image[None]) for image in golden_pairs.pair("rolled"))
  maps = ([m for _, m in features(image)] for image in pair)
  found = float(dists.distance(*maps, weights)[0])
  assert found == pytest.approx(_DISTS_RANDOM["rolled"], rel=1e-4)


@pytest.fixture(scope="module", name="files")
def _files(tmp_path_factory):
  """Random weights of each architecture, as files: `{name: (weights, heads)}`."""
  folder = tmp_path_factory.mktemp("weights")
  rng = np.random.default_rng(0)
  makers = {
    "alexnet": lambda layers: cxloss.AlexNetFeatures(layers, None, (0.0, 1.0)),
    "squeezenet": lambda layers: cxloss.SqueezeNetFeatures(layers, None, (0.0, 1.0)),
    "vgg16": lambda layers: cxloss.VGGFeatures(layers, "vgg16", None, (0.0, 1.0)),
  }
  found = {}
  for name, make in makers.items():
    layers = lpips.LAYERS[name]
    features = make(layers)
    maps = features(np.zeros((1, 64, 64, 3), np.float32))
    heads = {
      f"lin/{layer}": rng.uniform(0, 1, m.shape[-1]).astype(np.float32)
      for layer, (_, m) in zip(layers, maps, strict=True)
    }
    weights = {
      (
        w.path.replace("_", "/") if name == "squeezenet" else w.path
      ): ops.convert_to_numpy(w)
      for w in features._model.weights
    }
    paths = folder / f"{name}.npz", folder / f"{name}_heads.npz"
    for path, arrays in zip(paths, (weights, heads), strict=True):
      np.savez(path, **arrays)
    found[name] = *paths, features, list(heads.values())
  return found


def _pair(height, width):
  rng = np.random.default_rng(1)
  clean = rng.integers(0, 256, (height, width, 3), np.uint8)
  noisy = clean.copy()
  # Unevenly, so that each position counts by itself.
  noisy[height // 3 :, : width // 2] = rng.integers(0, 256, 3)
  return clean, noisy


@pytest.mark.parametrize(
  "architecture",
  ["alexnet", "squeezenet", pytest.param("vgg16", marks=pytest.mark.slow)],
)
def test_tiles_sum_up_to_the_distance_of_whole_images(files, architecture):
  weights, heads, features, arrays = files[architecture]
  metric = metrics.LPIPS((0, 255), weights, heads, tile=64)

  def distance(a, b):
    return metric(a[None], b[None])[0]

  assert metric.architecture == architecture
  # Sides that no stride divides, and one just over a tile.
  for size in ((203, 330), (65, 141)):
    pair = _pair(*size)
    maps = [features(np.float32(image[None]) / 255) for image in pair]
    maps = [[m for _, m in found] for found in maps]
    expected = float(lpips.distance(*maps, arrays)[0])
    assert distance(*pair) == pytest.approx(expected, rel=1e-4)
    assert distance(pair[0], pair[0]) == pytest.approx(0, abs=1e-9)


def test_files_that_do_not_fit_are_refused(files):
  weights, heads, *_ = files["alexnet"]
  with pytest.raises(ValueError, match="lin/LAYER"):
    metrics.LPIPS((0, 255), weights, weights)
  with pytest.raises(ValueError, match="conv"):
    metrics.LPIPS((0, 255), heads, heads)
  with pytest.raises(FileNotFoundError, match="no file"):
    metrics.LPIPS((0, 255), weights, "absent.npz")
  with pytest.raises(ValueError, match="given together"):
    metrics.LPIPS((0, 255), weights)
  with pytest.raises(ValueError, match="block1_conv1"):
    metrics.DISTS((0, 255), weights)
