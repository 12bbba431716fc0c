import numpy as np
import pytest
import tensorflow as tf

from experiments.twoafc import distances
from tests.cxloss import oracle

_A = [oracle.features(1, 2, 5, 4, 6), oracle.features(2, 2, 3, 2, 8)]
_B = [oracle.features(3, 2, 5, 4, 6), oracle.features(4, 2, 3, 2, 8)]


def _losses(targets, generated, bandwidth=0.1):
  return [
    oracle.loss(
      target.reshape(2, -1, target.shape[-1]),
      image.reshape(2, -1, image.shape[-1]),
      bandwidth,
      centering="image",
    )
    for target, image in zip(targets, generated, strict=True)
  ]


def _distance(**options):
  maps = [[tf.constant(m) for m in maps] for maps in (_A, _B)]
  return distances.contextual_distance(*maps, distances.CxSettings(**options))


def test_contextual_distance_has_the_reference_as_target_and_sums_over_layers():
  np.testing.assert_allclose(_distance(), sum(_losses(_A, _B)), rtol=1e-4)
  wide = sum(_losses(_A, _B, 0.5))
  np.testing.assert_allclose(_distance(bandwidth=0.5), wide, rtol=1e-4)


def test_other_directions_and_poolings_are_as_documented():
  back = sum(_losses(_B, _A))
  np.testing.assert_allclose(_distance(target="distorted"), back, rtol=1e-4)
  both = (sum(_losses(_A, _B)) + back) / 2
  np.testing.assert_allclose(_distance(target="both"), both, rtol=1e-4)
  pooled = -np.log(np.mean([np.exp(-loss) for loss in _losses(_A, _B)], axis=0))
  np.testing.assert_allclose(_distance(layers="pool"), pooled, rtol=1e-4)


def test_one_by_one_equals_all_at_once(monkeypatch):
  whole = _distance()
  monkeypatch.setattr(distances, "_ONE_BY_ONE", 1)
  np.testing.assert_allclose(_distance(), whole, rtol=1e-5)


@pytest.fixture(scope="module")
def triplets():
  rng = np.random.default_rng(0)
  reference = rng.integers(0, 256, (3, 32, 32, 3)).astype(np.uint8)
  noise = [rng.normal(0, sigma, reference.shape) for sigma in (20, 60)]
  distorted = [np.clip(reference + n, 0, 255).astype(np.uint8) for n in noise]
  return np.stack([reference, *distorted])


def test_every_distance_is_small_for_little_noise_and_zero_for_none(triplets):
  none = np.stack([triplets[0]] * 3)
  for measure in (
    distances.LowLevel(list(distances.LOW_LEVEL)),
    distances.Network("vgg_front", ["l2", "cx"]),
  ):
    for label, (little, much) in measure(triplets).items():
      assert (little < much).all() and (little > 0).all(), label
    for label, values in measure(none).items():
      assert values.shape == (2, 3)
      np.testing.assert_allclose(values, 0, atol=2e-4, err_msg=label)


def test_distances_do_not_depend_on_the_batch(triplets):
  measure = distances.Network("vgg_front", ["cx"])
  whole = measure(triplets)["VGG front CX"]
  alone = measure(triplets[:, 1:2])["VGG front CX"]
  np.testing.assert_allclose(whole[:, 1:2], alone, rtol=1e-4)


def test_missing_weights_are_named(tmp_path):
  with pytest.raises(ValueError, match=r"--weights_dir.*alexnet_imagenet.*--nets=alex"):
    distances.Network("alex", ["l2"])
  with pytest.raises(ValueError, match=r"squeezenet_imagenet\.npz or .*cxloss.convert"):
    distances.Network("squeeze", ["l2"], tmp_path)
