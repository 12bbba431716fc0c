"""LPIPS and its baseline, of feature maps and of whole images in tiles.

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
from cxloss.metrics import lpips
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
  layers = lpips.LAYERS[architecture]
  if architecture == "vgg16":
    features = cxloss.VGGFeatures(layers, "vgg16", path, (0, 255))
  else:
    features = cxloss.AlexNetFeatures(layers, path, (0, 255))
  images = [np.asarray(Image.open(_EXAMPLE / f"{n}.png")) for n in ("ref", "p0")]
  return [[m for _, m in features(np.float32(image[None]))] for image in images]


@pytest.mark.parametrize("architecture", list(_BASELINE))
def test_baseline_is_that_of_the_lpips_code(architecture):
  value = lpips.distance(*_example_maps(architecture))
  assert float(value[0]) == pytest.approx(_BASELINE[architecture], rel=1e-4)


def test_learned_weights_give_the_number_of_the_lpips_readme():
  maps = _example_maps("alexnet")
  path = pathlib.Path(_WEIGHTS) / "lpips_lin_alexnet.npz"
  value = lpips.distance(*maps, lpips.read_heads(path, lpips.LAYERS["alexnet"]))
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


@pytest.mark.parametrize("architecture", ["alexnet", "squeezenet", "vgg16"])
def test_tiles_sum_up_to_the_distance_of_whole_images(files, architecture):
  weights, heads, features, arrays = files[architecture]
  distance = lpips.LPIPS(weights, heads, tile=64)
  assert distance.architecture == architecture
  # Sides that no stride divides, and one just over a tile.
  for size in ((203, 330), (65, 141)):
    pair = _pair(*size)
    maps = [features(np.float32(image[None]) / 255) for image in pair]
    maps = [[m for _, m in found] for found in maps]
    expected = float(lpips.distance(*maps, arrays)[0])
    assert distance(*pair) == pytest.approx(expected, rel=1e-4)
    assert distance(pair[0], pair[0]) == pytest.approx(0, abs=1e-9)


def test_small_images_and_foreign_files_are_refused(files):
  weights, heads, *_ = files["alexnet"]
  distance = lpips.LPIPS(weights, heads)
  assert np.isfinite(distance(*_pair(32, 32)))
  with pytest.raises(ValueError, match="sides of at least 32"):
    distance(*_pair(31, 40))
  with pytest.raises(ValueError, match="shape of `reference`"):
    distance(_pair(40, 40)[0], _pair(40, 44)[0])
  with pytest.raises(ValueError, match="lin/LAYER"):
    lpips.LPIPS(weights, weights)
  with pytest.raises(ValueError, match="conv"):
    lpips.LPIPS(heads, heads)
  with pytest.raises(FileNotFoundError, match="no file"):
    lpips.LPIPS(weights, "absent.npz")
