import keras
import numpy as np
import pytest
import tensorflow as tf

import cxloss
from models import crn

_RNG = np.random.default_rng(1)
_IMAGE = _RNG.uniform(-1, 1, (1, 16, 32, 3)).astype("float32")
_NORMALS = _RNG.normal(size=_IMAGE.shape).astype("float32")
_NORMALS /= np.linalg.norm(_NORMALS, axis=-1, keepdims=True)
_MASK = np.ones(_IMAGE.shape[:3], bool)
_MASK[:, :5, :9] = False


def _model(**weights):
  # Names alike: TensorFlow's optimiser of graphs goes by names, too, and orders sums by
  # them.
  keras.utils.clear_session()
  keras.utils.set_random_seed(3)
  contextual = cxloss.ContextualLoss(cxloss.PatchFeatures(), max_points=40, seed=2)
  model = crn.NormalEstimator(
    crn.crn(16, 32, 128), contextual, cxloss.LowFrequencyLoss(9, 2.0), **weights
  )
  model.compile(keras.optimizers.Adam(1e-3))
  return model


def _steps(model, count, normals=_NORMALS, mask=_MASK):
  data = tf.data.Dataset.from_tensors((_IMAGE, normals, mask)).repeat()
  return model.fit(data, steps_per_epoch=count, verbose=0).history


@pytest.mark.parametrize(
  ("size", "count"),
  [((256, 512), 7), ((512, 1024), 8), ((480, 640), 6), ((96, 128), 5), ((5, 8), 1)],
)
def test_module_sizes_halve_as_long_as_they_stay_even_and_at_least_4(size, count):
  assert crn.module_count(*size) == count


def test_network_of_the_paper_has_the_parameters_of_its_layers():
  # Rows 15, 30 and 60 with 1024 channels, 120 and 240 with 512, 480 with 128.
  expected, before = 0, 0
  for channels in (1024, 1024, 1024, 512, 512, 128):
    expected += 9 * (3 + before) * channels + 9 * channels**2 + 2 * 2 * channels
    before = channels
  expected += 3 * (before + 1)
  assert crn.crn(480, 640).count_params() == expected == 59_851_011


def test_output_is_unit_normals_for_every_multiple_of_the_smallest_module():
  network = crn.crn(16, 32, 64)
  assert crn.multiple(network) == 4
  for shape in ((2, 16, 32, 3), (1, 20, 4, 3)):
    normals = network(np.zeros(shape, "float32") + 0.1)
    assert normals.shape == shape and normals.dtype == tf.float32
    np.testing.assert_allclose(np.linalg.norm(normals, axis=-1), 1, rtol=1e-5)


def test_modules_see_the_image_averaged_and_each_pixel_at_full_resolution():
  network = crn.crn(16, 32, 128)
  image = tf.Variable(_IMAGE)
  with tf.GradientTape() as tape:
    corner = network(image)[0, 0, 0, 0]
  reach = np.abs(tape.gradient(corner, image))[0].sum(axis=-1)
  assert (reach > 0).all(), "the coarse modules, and the norms, see everything"
  assert reach[0, 0] > 10 * np.median(reach)


def test_training_lowers_the_loss_and_moves_every_variable():
  model = _model()
  before = [v.numpy() for v in model.network.trainable_variables]
  first = _steps(model, 1)["loss"][0]
  _steps(model, 40)
  assert _steps(model, 1)["loss"][0] < 0.9 * first
  for old, new in zip(before, model.network.trainable_variables, strict=True):
    assert (old != new.numpy()).any(), new.path


def test_invalid_pixels_take_no_part_in_terms_metrics_or_training():
  spoiled = np.where(_MASK[..., None], _NORMALS, np.nan).astype("float32")
  a, b = _model(), _model()
  history = _steps(a, 3), _steps(b, 3, normals=spoiled)
  assert history[0] == history[1]
  for first, second in zip(a.weights, b.weights, strict=True):
    np.testing.assert_array_equal(first, second)


def test_loss_is_the_weighted_sum_of_terms_of_the_valid_pixels():
  weights = {"contextual": 0.5, "low_frequency": 2.0, "l1": 3.0, "l2": 4.0}
  model = _model(lambda_cx=0.5, lambda_lf=2.0, lambda_l1=3.0, lambda_l2=4.0)
  values = model.test_step(tuple(map(tf.constant, (_IMAGE, _NORMALS, _MASK))))
  assert set(values) == {"loss", "angle", *weights}
  expected = sum(weight * values[name] for name, weight in weights.items())
  np.testing.assert_allclose(values["loss"], expected, rtol=1e-6)
  predicted = model.network(_IMAGE).numpy()
  error = np.abs(_NORMALS - predicted)[_MASK]
  inner = (_NORMALS.astype(np.float64) * predicted).sum(axis=-1)[_MASK]
  for name, expected in (
    ("angle", np.degrees(np.arccos(inner.clip(-1, 1)))),
    ("l1", error),
    ("l2", error**2),
  ):
    np.testing.assert_allclose(values[name], expected.mean(), rtol=1e-5, err_msg=name)


def test_mistakes_are_named():
  network = crn.crn(16, 32, 128)
  with pytest.raises(ValueError, match="`lambda_cx` needs `contextual`"):
    crn.NormalEstimator(network)
  with pytest.raises(ValueError, match="must be >= 0"):
    crn.NormalEstimator(network, lambda_cx=0.0, lambda_l1=-1.0)
  with pytest.raises(ValueError, match="`width_divisor`"):
    crn.crn(512, 1024, 256)
  with pytest.raises(ValueError, match="`height` and `width`"):
    crn.crn(2, 16)


@pytest.mark.parametrize("degrees", [0.0, 1e-3, 0.1, 11.25, 90.0, 179.9])
def test_error_of_a_rotation_is_its_angle(degrees):
  other = np.cross(_NORMALS, _RNG.normal(size=_NORMALS.shape))
  other /= np.linalg.norm(other, axis=-1, keepdims=True)
  angle = np.radians(degrees)
  normals = _NORMALS / np.linalg.norm(_NORMALS, axis=-1, keepdims=True)
  rotated = (np.cos(angle) * normals + np.sin(angle) * other).astype("float32")
  error = crn.angular_error(_NORMALS, rotated)
  np.testing.assert_allclose(error, degrees, rtol=1e-4, atol=2e-5)


def test_repeated_rim_leaves_flat_images_without_a_frame_and_is_plain_keras(tmp_path):
  keras.utils.set_random_seed(1)
  network = crn.crn(16, 16, 64, padding="repeat")
  flat = np.full((1, 16, 24, 3), 0.3, "float32")
  assert np.ptp(network(flat), axis=(1, 2)).max() < 1e-4
  network.save(tmp_path / "n.keras")
  loaded = keras.models.load_model(tmp_path / "n.keras")
  np.testing.assert_array_equal(loaded(_IMAGE), network(_IMAGE))
  with pytest.raises(ValueError, match="`padding` must be one of"):
    crn.crn(16, 16, 64, padding="valid")
