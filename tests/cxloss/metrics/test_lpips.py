"""LPIPS and its baseline, of feature maps and of whole images in tiles.

Distances are compared with what the LPIPS code itself gives, on AlexNet's weights as
they ship with the package, and, where `CXLOSS_WEIGHTS_DIR` names a folder with
alexnet_imagenet.npz, vgg16_imagenet.npz and lpips_lin_alexnet.npz, on those.
"""

import os
import pathlib

import numpy as np
import pytest

import cxloss
from cxloss.metrics import lpips
from tests import golden_pairs
from tests.cxloss import oracle

_PAIRS = ("block_means", "rolled", "half_contrast")
_WEIGHTS = os.environ.get("CXLOSS_WEIGHTS_DIR")


@pytest.fixture(scope="module", name="bundled")
def _bundled():
  return lpips.LPIPS(value_range=(0, 255))


def test_bundled_weights_give_the_distances_of_the_lpips_code(bundled):
  originals, images = zip(*map(golden_pairs.pair, _PAIRS), strict=True)
  found = bundled(np.stack(originals), np.stack(images))
  expected = [golden_pairs.SCORES[name]["alex_lpips"] for name in _PAIRS]
  # AlexNet's weights are rounded to float16.
  np.testing.assert_allclose(found, expected, rtol=1e-3)
  assert bundled.lower_is_better and bundled.architecture == "alexnet"


def test_floats_in_another_range_have_the_same_distances(bundled):
  a, b = golden_pairs.pair("block_means")
  other = lpips.LPIPS(value_range=(-1, 1))
  found = other(a[None] / 127.5 - 1, b[None] / 127.5 - 1)
  np.testing.assert_allclose(found, bundled(a[None], b[None]), rtol=1e-5)


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


@pytest.mark.parametrize("name", _PAIRS)
def test_learned_weights_give_the_number_of_the_lpips_code(name):
  maps = _maps(golden_pairs.pair(name), "alexnet")
  path = pathlib.Path(_WEIGHTS) / "lpips_lin_alexnet.npz"
  value = lpips.distance(*maps, lpips.read_heads(path, lpips.LAYERS["alexnet"]))
  expected = golden_pairs.SCORES[name]["alex_lpips"]
  assert float(value[0]) == pytest.approx(expected, rel=1e-4)


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
  np.testing.assert_allclose(lpips.distance(a, b, heads), expected, rtol=1e-5)
  ones = [np.ones_like(head) for head in heads]
  plain = lpips.distance(a, b)
  np.testing.assert_allclose(plain, lpips.distance(a, b, ones), rtol=1e-6)


def test_features_of_zero_norm_are_no_fault():
  dark, bright = np.zeros((1, 2, 2, 3), "float32"), np.ones((1, 2, 2, 3), "float32")
  assert float(lpips.distance([dark], [dark])[0]) == 0.0
  assert float(lpips.distance([dark], [bright])[0]) == pytest.approx(1.0)


def test_heads_that_do_not_fit_are_refused(tmp_path):
  np.savez(tmp_path / "h.npz", **{"lin/conv1": np.ones((1, 64), "float32")})
  with pytest.raises(ValueError, match=r"lin/conv1.*\(channels,\).*\(1, 64\)"):
    lpips.read_heads(tmp_path / "h.npz", ["conv1"])
  with pytest.raises(ValueError, match=r"lin/conv2.*no such array"):
    lpips.read_heads(tmp_path / "h.npz", ["conv2"])
  with pytest.raises(FileNotFoundError, match=r"none\.npz"):
    lpips.read_heads(tmp_path / "none.npz", ["conv1"])


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
      w.path.replace("_", "/") if name == "squeezenet" else w.path: w.numpy()
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
  metric = lpips.LPIPS((0, 255), weights, heads, tile=64)

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


def test_damaged_heads_are_said_to_be_so(files, tmp_path):
  weights, heads, *_ = files["alexnet"]
  path = tmp_path / "h.npz"
  path.write_bytes(heads.read_bytes()[:-100])
  with pytest.raises(ValueError, match=r"LPIPS heads: an intact \.npz.*h\.npz"):
    lpips.LPIPS((0, 255), weights, path)


def test_small_images_and_foreign_files_are_refused(files, bundled):
  weights, heads, *_ = files["alexnet"]
  small = [image[None] for image in _pair(32, 32)]
  assert np.isfinite(bundled(*small)).all()
  with pytest.raises(ValueError, match="sides of at least 32"):
    bundled(small[0][:, 1:], small[1][:, 1:])
  with pytest.raises(ValueError, match="lin/LAYER"):
    lpips.LPIPS((0, 255), weights, weights)
  with pytest.raises(ValueError, match="conv"):
    lpips.LPIPS((0, 255), heads, heads)
  with pytest.raises(FileNotFoundError, match="no file"):
    lpips.LPIPS((0, 255), weights, "absent.npz")
  with pytest.raises(ValueError, match="given together"):
    lpips.LPIPS((0, 255), weights)
  with pytest.raises(ValueError, match=r"multiple of 16.*tile=40"):
    lpips.LPIPS(tile=40)
