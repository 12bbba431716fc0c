import os
import re
import subprocess
import sys
import zipfile

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

import cxloss
from tests.cxloss import oracle

_TARGET = oracle.features(1, 3, 4, 6, 5)
_GENERATED = oracle.features(2, 3, 4, 6, 5)
_IMAGES = np.random.default_rng(3).uniform(-1, 1, (4, 12, 12, 3)).astype("float32")
_NOISY = np.random.default_rng(4).uniform(-1, 1, (4, 12, 12, 3)).astype("float32")


class _Scaled:
  """Features that are the input times a constant, with a weight each."""

  def __init__(self, weights=(1.0,)):
    self.weights = weights

  def __call__(self, images):
    return [(w, images[..., i:]) for i, w in enumerate(self.weights)]


def _vgg():
  return cxloss.VGGFeatures({"block1_conv1": 1.0}, "vgg16", "bundled")


def _generator(seed=5):
  keras.utils.set_random_seed(seed)
  image = keras.Input((None, None, 3))
  x = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(image)
  x = keras.layers.Conv2D(3, 3, padding="same", dtype="float32")(x)
  return keras.Model(image, keras.layers.Activation("tanh", dtype="float32")(x))


@pytest.mark.parametrize(
  "options",
  [{}, {"distance": "l2", "bandwidth": 0.5}, {"centering": "image"}],
  ids=["defaults", "l2", "image"],
)
def test_call_returns_the_function_per_sample(options):
  np.testing.assert_array_equal(
    cxloss.ContextualLoss(**options).call(_TARGET, _GENERATED),
    cxloss.contextual_loss(_TARGET, _GENERATED, **options),
  )


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
  ("reduction", "reduce"),
  [
    ("sum_over_batch_size", lambda values, _: values.mean()),
    ("mean", lambda values, _: values.mean()),
    ("sum", lambda values, _: values.sum()),
    ("none", lambda values, _: values),
    (None, lambda values, _: values),
    ("mean_with_sample_weight", lambda values, weights: values.sum() / weights.sum()),
  ],
)
def test_keras_reduces_and_weights_the_samples(reduction, reduce, weighted):
  weights = np.array([1.0, 0.0, 2.5], "float32") if weighted else np.ones(3)
  for make, function in (
    (cxloss.ContextualLoss, cxloss.contextual_loss),
    (
      lambda **options: cxloss.LowFrequencyLoss(3, 1.0, **options),
      lambda t, g: ((cxloss.gaussian_blur(t - g, 3, 1.0)) ** 2).numpy().mean((1, 2, 3)),
    ),
  ):
    values = np.asarray(function(_TARGET, _GENERATED))
    loss = make(reduction=reduction)(
      _TARGET, _GENERATED, sample_weight=weights if weighted else None
    )
    np.testing.assert_allclose(loss, reduce(values * weights, weights), rtol=1e-5)


def test_layers_add_up_by_their_weights():
  images, noisy = tf.constant(_IMAGES), tf.constant(_NOISY)
  single = [
    cxloss.contextual_loss(images[..., i:], noisy[..., i:]).numpy() for i in (0, 1)
  ]
  both = cxloss.ContextualLoss(_Scaled((0.5, 3.0))).call(images, noisy)
  np.testing.assert_allclose(both, 0.5 * single[0] + 3 * single[1], rtol=1e-5)


def test_list_of_features_adds_up():
  parts = [cxloss.PatchFeatures(3, 2), _vgg()]
  total = cxloss.ContextualLoss(parts).call(_IMAGES, _NOISY)
  expected = sum(cxloss.ContextualLoss(p).call(_IMAGES, _NOISY) for p in parts)
  np.testing.assert_allclose(total, expected, rtol=1e-6)


def test_symmetric_loss_is_the_mean_of_both_directions():
  loss = cxloss.ContextualLoss(symmetric=True)
  forth = cxloss.contextual_loss(_TARGET, _GENERATED)
  back = cxloss.contextual_loss(_GENERATED, _TARGET)
  np.testing.assert_allclose(
    loss.call(_TARGET, _GENERATED), (forth + back) / 2, rtol=1e-6
  )
  np.testing.assert_allclose(
    loss.call(_TARGET, _GENERATED), loss.call(_GENERATED, _TARGET), rtol=1e-6
  )


def test_quarters_are_compared_with_the_same_quarter():
  # Odd sides: the middle row is left out. By image, each quarter stands alone.
  target, generated = oracle.features(1, 2, 7, 6, 5), oracle.features(2, 2, 7, 6, 5)
  quarters = [
    (slice(None), rows, columns)
    for rows in (slice(0, 3), slice(4, 7))
    for columns in (slice(0, 3), slice(3, 6))
  ]
  maps = tf.constant(target), tf.constant(generated)
  for centering in ("image", "batch"):
    loss = cxloss.ContextualLoss(crop_quarters=True, centering=centering)
    y, x = (
      np.concatenate([v[q].reshape(2, 9, 5) for q in quarters])
      for v in (target, generated)
    )
    expected = oracle.loss(y, x, centering=centering).reshape(4, 2).mean(axis=0)
    np.testing.assert_allclose(loss.call(*maps), expected, rtol=1e-5)


def _drawn(loss, target, generated=None):
  """Positions that a call of `loss` compares, as indices into the sets."""
  seen = []

  def spy(y, x, *_):
    seen.append((y.numpy()[0, :, 0].astype(int), x.numpy()[0, :, 0].astype(int)))
    return tf.zeros([1])

  with pytest.MonkeyPatch.context() as patch:
    patch.setattr("cxloss.losses.contextual_loss", spy)
    loss.call(target, target if generated is None else generated)
  return seen[0]


def _positions(size):
  return tf.range(size, dtype="float32")[None, :, None]


def test_max_points_draws_the_same_positions_in_both_without_replacement():
  loss = cxloss.ContextualLoss(max_points=20, seed=1)
  y, x = _drawn(loss, _positions(50))
  np.testing.assert_array_equal(y, x)
  assert len(np.unique(y)) == 20
  assert set(y) <= set(range(50))


def test_max_points_draws_anew_at_each_call_and_repeats_with_the_seed():
  draws = [
    [_drawn(loss, _positions(50))[0].tolist() for _ in range(3)]
    for loss in (cxloss.ContextualLoss(max_points=20, seed=s) for s in (1, 1, 2))
  ]
  assert draws[0] == draws[1]
  assert draws[0] != draws[2]
  assert len({tuple(d) for d in draws[0]}) == 3


def test_max_points_draws_uniformly():
  loss = cxloss.ContextualLoss(max_points=5, seed=1)
  counts = np.bincount(
    np.concatenate([_drawn(loss, _positions(10))[0] for _ in range(200)])
  )
  assert counts.min() > 65
  assert counts.max() < 135


def test_max_points_leaves_small_sets_whole():
  for size in (7, 8):
    y, _ = _drawn(cxloss.ContextualLoss(max_points=8), _positions(size))
    np.testing.assert_array_equal(np.sort(y), np.arange(size))
  loss = cxloss.ContextualLoss(max_points=24, seed=1)
  np.testing.assert_allclose(
    loss.call(_TARGET, _GENERATED),
    cxloss.contextual_loss(_TARGET, _GENERATED),
    rtol=1e-5,
  )


def test_max_points_draws_each_of_two_sizes_within_its_range():
  y, x = _drawn(cxloss.ContextualLoss(max_points=9), _positions(10), _positions(40))
  assert len(np.unique(y)) == len(np.unique(x)) == 9
  assert y.max() < 10 <= x.max()


def test_max_points_draws_anew_in_a_graph_of_unknown_shapes():
  loss = cxloss.ContextualLoss(max_points=10, seed=1)
  graph = tf.function(loss, input_signature=[tf.TensorSpec([None, None, None])] * 2)
  target, generated = (v.reshape(3, 24, 5) for v in (_TARGET, _GENERATED))
  first, second = graph(target, generated), graph(target, generated)
  assert first != second
  again = cxloss.ContextualLoss(max_points=10, seed=1)
  np.testing.assert_allclose(again(target, generated), first, rtol=1e-5)


_CONFIGURATIONS = {
  "defaults": {},
  "all options": {
    "features": cxloss.PatchFeatures(3, 2),
    "bandwidth": 0.3,
    "distance": "l2",
    "centering": "image",
    "max_points": 9,
    "symmetric": True,
    "crop_quarters": True,
    "seed": 4,
    "reduction": "sum",
    "name": "cx",
  },
  "list": {"features": [cxloss.PatchFeatures(3), cxloss.PatchFeatures(5, 3)]},
  "vgg": {"features": cxloss.VGGFeatures("block1_conv1", "vgg16", "bundled")},
}


@pytest.mark.parametrize("name", _CONFIGURATIONS)
def test_loss_survives_its_configuration(name):
  features = {} if "features" in _CONFIGURATIONS[name] else {"features": None}
  loss = cxloss.ContextualLoss(**_CONFIGURATIONS[name], **features)
  serialised = keras.saving.serialize_keras_object(loss)
  images = (_TARGET, _GENERATED) if features else (_IMAGES, _NOISY)
  expected = loss(*images)
  for copy in (
    cxloss.ContextualLoss.from_config(loss.get_config()),
    keras.saving.deserialize_keras_object(serialised),
    keras.losses.get(serialised),
  ):
    assert copy.get_config() == loss.get_config()
    np.testing.assert_array_equal(copy(*images), expected)


def test_low_frequency_loss_survives_its_configuration():
  loss = cxloss.LowFrequencyLoss(5, 1.5, "sum", "lf")
  copy = keras.saving.deserialize_keras_object(
    keras.saving.serialize_keras_object(loss)
  )
  assert copy.get_config() == loss.get_config()
  assert copy(_IMAGES, _NOISY) == loss(_IMAGES, _NOISY)


def test_low_frequency_loss_is_the_error_of_the_blurred_images():
  blurred = cxloss.gaussian_blur(_IMAGES, 7, 2.0) - cxloss.gaussian_blur(_NOISY, 7, 2.0)
  np.testing.assert_allclose(
    cxloss.LowFrequencyLoss(7, 2.0).call(tf.constant(_IMAGES), tf.constant(_NOISY)),
    np.mean(blurred**2, axis=(1, 2, 3)),
    rtol=1e-4,
  )
  # A constant offset is of the lowest frequency: it passes in full.
  np.testing.assert_allclose(
    cxloss.LowFrequencyLoss()(_IMAGES, _IMAGES + 0.5), 0.25, rtol=1e-5
  )


def _two_losses(max_points=30):
  return cxloss.ContextualLoss(
    [cxloss.PatchFeatures(3, 2), _vgg()], max_points=max_points, seed=2
  )


def test_saved_model_loads_with_its_loss_and_trains_on(tmp_path):
  model = _generator()
  model.compile(keras.optimizers.Adam(1e-2), _two_losses(None))
  model.fit(_NOISY, _IMAGES, batch_size=2, epochs=1, verbose=0)
  model.save(tmp_path / "model.keras")
  loaded = keras.models.load_model(tmp_path / "model.keras")
  assert loaded.loss.get_config() == model.loss.get_config()
  histories = [
    m.fit(_NOISY, _IMAGES, batch_size=2, epochs=3, shuffle=False, verbose=0).history
    for m in (model, loaded)
  ]
  np.testing.assert_allclose(histories[0]["loss"], histories[1]["loss"], rtol=1e-4)


def test_draws_resume_from_the_state_of_their_generator():
  loss, copy = (cxloss.ContextualLoss(max_points=20, seed=1) for _ in range(2))
  for _ in range(2):
    _drawn(loss, _positions(50))
  copy.seed_generator.state.assign(loss.seed_generator.state)
  np.testing.assert_array_equal(
    _drawn(copy, _positions(50))[0], _drawn(loss, _positions(50))[0]
  )


def test_backbone_stays_out_of_the_checkpoints(tmp_path):
  paths = []
  for name, loss in (("with", _two_losses(None)), ("without", "mse")):
    model = _generator()
    model.compile("adam", loss)
    model.fit(_NOISY, _IMAGES, epochs=1, verbose=0)
    model.save(tmp_path / f"{name}.keras")
    model.save_weights(tmp_path / f"{name}.weights.h5")
    tf.train.Checkpoint(model=model).write(str(tmp_path / name / "ckpt"))
    saved = tf.train.list_variables(str(tmp_path / name / "ckpt"))
    with zipfile.ZipFile(tmp_path / f"{name}.keras") as archive:
      archive.extract("model.weights.h5", tmp_path / name)
    for weights in (
      tmp_path / f"{name}.weights.h5",
      tmp_path / name / "model.weights.h5",
    ):
      with h5py.File(weights) as file:
        file.visititems(lambda key, item, out=saved: out.append((key, str(item))))
    paths.append([re.sub(r"0x\w+", "", str(entry)) for entry in saved])
    assert os.path.getsize(tmp_path / f"{name}.keras") < 60_000
  assert sorted(paths[0]) == sorted(paths[1])
  assert not any("block1" in path or "vgg" in path for path in paths[0])


@pytest.mark.parametrize(
  "options",
  [{}, {"jit_compile": True}, {"jit_compile": False}, {"run_eagerly": True}],
  ids=["defaults", "XLA", "graph", "eager"],
)
def test_every_way_to_fit_reduces_the_loss(options):
  model, loss = _generator(), _two_losses(None)
  before = loss.features[1]._model.get_weights()
  model.compile(keras.optimizers.Adam(1e-2), loss, **options)
  history = model.fit(_IMAGES, _IMAGES, epochs=6, verbose=0, shuffle=False).history
  assert history["loss"][-1] < 0.95 * history["loss"][0]
  for a, b in zip(before, loss.features[1]._model.get_weights(), strict=True):
    np.testing.assert_array_equal(a, b)
  assert len(model.trainable_variables) == 4


def test_mixed_precision_model_trains():
  keras.config.set_dtype_policy("mixed_float16")
  try:
    model, loss = _generator(), _two_losses(None)
    # An output in float16 as well: losses cast it themselves.
    half = keras.layers.Activation("linear", dtype="float16")(model.output)
    model = keras.Model(model.input, half)
    model.compile(keras.optimizers.Adam(1e-2), loss)
    history = model.fit(_IMAGES, _IMAGES, epochs=6, verbose=0, shuffle=False).history
  finally:
    keras.config.set_dtype_policy("float32")
  assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
  assert history["loss"][-1] < 0.95 * history["loss"][0]


_MIRRORED = """
import keras
import numpy as np
import tensorflow as tf
import cxloss

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
  cpu, [tf.config.LogicalDeviceConfiguration()] * 2
)
x, y = np.random.default_rng(1).uniform(-1, 1, (2, 8, 9, 9, 3)).astype("float32")

def train(strategy, max_points=None):
  with strategy.scope():
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
      [keras.Input((9, 9, 3)), keras.layers.Conv2D(3, 3, padding="same")]
    )
    features = [
      cxloss.PatchFeatures(3, 2), cxloss.VGGFeatures("block1_conv1", "vgg16", "bundled")
    ]
    # By image: otherwise the loss of an image depends on its half of the batch.
    loss = cxloss.ContextualLoss(
      features, 0.5, centering="image", max_points=max_points
    )
    model.compile(keras.optimizers.SGD(0.1), loss)
  model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0)
  return np.concatenate([w.ravel() for w in model.get_weights()])

two = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
one = tf.distribute.get_strategy()
assert two.num_replicas_in_sync == 2
print("differ by", np.abs(train(two) - train(one)).max())
assert np.all(np.isfinite(train(two, max_points=10)))
"""


def test_two_replicas_train_as_one():
  result = subprocess.run(
    [sys.executable, "-c", _MIRRORED], capture_output=True, text=True, timeout=300
  )
  assert result.returncode == 0, result.stderr[-3000:]
  assert float(result.stdout.split("differ by")[1]) < 1e-5


@pytest.mark.parametrize(
  "loss",
  [cxloss.ContextualLoss(), cxloss.ContextualLoss(cxloss.PatchFeatures(3))],
  ids=["features", "patches"],
)
def test_batch_of_eight_against_one_is_refused(loss):
  images = oracle.features(1, 8, 6, 6, 3)
  with pytest.raises(ValueError, match=r"`y_true`.*batch.*\(8, 6.*\(1, 6"):
    loss(images, images[:1])
  with pytest.raises(ValueError, match=r"`y_true`.*batch"):
    tf.function(loss)(images[:1], images)


def test_batch_of_eight_against_one_is_refused_even_if_unknown():
  spec = [tf.TensorSpec([None, 6, 6, 3])] * 2
  loss = tf.function(cxloss.ContextualLoss(), input_signature=spec)
  images = oracle.features(1, 8, 6, 6, 3)
  with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
    loss(images, images[:1])


def test_low_frequency_loss_refuses_shapes_that_would_broadcast():
  for other in (_IMAGES[:1], _IMAGES[..., :1], _IMAGES[:, :1]):
    with pytest.raises(ValueError, match=r"`y_true`.*same shape.*\(4, 12, 12, 3\)"):
      cxloss.LowFrequencyLoss(3)(_IMAGES, other)


def test_sets_of_different_channels_are_refused():
  with pytest.raises(ValueError, match="channels"):
    cxloss.ContextualLoss()(_TARGET, _GENERATED[..., :2])


@pytest.mark.parametrize(
  ("loss", "options", "message"),
  [
    (cxloss.ContextualLoss, {"bandwidth": 0}, "`bandwidth`.*=0"),
    (cxloss.ContextualLoss, {"distance": "l1"}, "`distance`.*'l1'"),
    (cxloss.ContextualLoss, {"centering": "x"}, "`centering`.*'x'"),
    (cxloss.ContextualLoss, {"max_points": 0}, "`max_points`.*=0"),
    (cxloss.ContextualLoss, {"max_points": 2.5}, r"`max_points`.*=2\.5"),
    (cxloss.ContextualLoss, {"features": "vgg19"}, "`features`.*'vgg19'"),
    (cxloss.ContextualLoss, {"features": []}, r"`features`.*\[\]"),
    (cxloss.ContextualLoss, {"reduction": "product"}, "reduction.*product"),
    (cxloss.LowFrequencyLoss, {"kernel_size": 4}, "`kernel_size`.*=4"),
    (cxloss.LowFrequencyLoss, {"sigma": -1.0}, r"`sigma`.*=-1\.0"),
  ],
)
def test_error_names_the_argument_and_what_was_received(loss, options, message):
  with pytest.raises(ValueError, match=f"(?s){message}"):
    loss(**options)


def test_quarters_need_maps_of_at_least_two_by_two():
  with pytest.raises(ValueError, match=r"(?s)sides of at least 2.*\(3, 1, 6, 5\)"):
    cxloss.ContextualLoss(crop_quarters=True)(_TARGET[:, :1], _GENERATED[:, :1])
