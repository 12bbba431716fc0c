import numpy as np
import pytest

import cxloss
from cxloss.metrics import lpips as tiled
from cxloss.metrics import lpips_network


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
    layers = lpips_network.TAPS[name]
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
  distance = tiled.Lpips(weights, heads, tile=64)
  assert distance.architecture == architecture
  # Sides that no stride divides, and one just over a tile.
  for size in ((203, 330), (65, 141)):
    pair = _pair(*size)
    maps = [features(np.float32(image[None]) / 255) for image in pair]
    maps = [[m for _, m in found] for found in maps]
    expected = float(lpips_network.distance(*maps, arrays)[0])
    assert distance(*pair) == pytest.approx(expected, rel=1e-4)
    assert distance(pair[0], pair[0]) == 0


def test_small_images_and_foreign_files_are_refused(files):
  weights, heads, *_ = files["alexnet"]
  distance = tiled.Lpips(weights, heads)
  assert np.isfinite(distance(*_pair(32, 32)))
  with pytest.raises(ValueError, match="sides of at least 32"):
    distance(*_pair(31, 40))
  with pytest.raises(ValueError, match="shape of `reference`"):
    distance(_pair(40, 40)[0], _pair(40, 44)[0])
  with pytest.raises(ValueError, match="lin/LAYER"):
    tiled.Lpips(weights, weights)
  with pytest.raises(ValueError, match="conv"):
    tiled.Lpips(heads, heads)
  with pytest.raises(FileNotFoundError, match="no file"):
    tiled.Lpips(weights, "absent.npz")
