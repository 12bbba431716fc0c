"""The losses within the Keras models that they train."""

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

_IMAGES = np.random.default_rng(3).uniform(-1, 1, (4, 12, 12, 3)).astype("float32")
_NOISY = np.random.default_rng(4).uniform(-1, 1, (4, 12, 12, 3)).astype("float32")


def _vgg():
  return cxloss.VGGFeatures({"block1_conv1": 1.0}, "vgg16", "bundled")


def _generator(seed=5):
  keras.utils.set_random_seed(seed)
  image = keras.Input((None, None, 3))
  x = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(image)
  x = keras.layers.Conv2D(3, 3, padding="same", dtype="float32")(x)
  return keras.Model(image, keras.layers.Activation("tanh", dtype="float32")(x))


def _two_losses(max_points=30):
  return cxloss.ContextualLoss(
    [cxloss.PatchFeatures(3, 2), _vgg()], max_points=max_points, seed=2
  )


def test_networks_of_the_loss_stay_out_of_the_checkpoints(tmp_path):
  image = keras.Input((None, None, 3))
  own = keras.Model(image, keras.layers.Conv2D(64, 7, name="own")(image))
  paths = {}
  for name, loss in (
    ("with", cxloss.ContextualLoss([own, cxloss.PatchFeatures(3), _vgg()])),
    ("without", "mse"),
  ):
    model = _generator()
    model.compile("adam", loss, run_eagerly=True)
    model.fit(_NOISY, _IMAGES, epochs=1, verbose=0)
    model.save(tmp_path / f"{name}.keras")
    tf.train.Checkpoint(model=model).write(str(tmp_path / name / "ckpt"))
    saved = tf.train.list_variables(str(tmp_path / name / "ckpt"))
    with zipfile.ZipFile(tmp_path / f"{name}.keras") as archive:
      archive.extract("model.weights.h5", tmp_path / name)
    with h5py.File(tmp_path / name / "model.weights.h5") as file:
      file.visititems(lambda key, item, out=saved: out.append((key, str(item))))
    paths[name] = sorted(re.sub(r"0x\w+", "", str(entry)) for entry in saved)
    if name == "with":
      loaded = keras.models.load_model(tmp_path / "with.keras")
      assert loaded.loss(_IMAGES, _NOISY) == model.loss(_IMAGES, _NOISY)
  assert paths["with"] == paths["without"]


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


@pytest.mark.parametrize("eager", [False, True])
def test_output_may_overshoot_and_targets_out_of_range_end_the_training(eager):
  image = keras.Input((None, None, 3))
  model = keras.Model(image, keras.layers.Rescaling(5.0)(image))
  model.compile("sgd", cxloss.ContextualLoss(_vgg()), run_eagerly=eager)
  assert np.isfinite(model.evaluate(_NOISY, _IMAGES, verbose=0))
  with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match="`y_true`"):
    model.fit(_NOISY, 128 + 100 * _IMAGES, verbose=0)


_TWO = """
import keras
import numpy as np
import tensorflow as tf
import cxloss

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
  cpu, [tf.config.LogicalDeviceConfiguration()] * 2
)
x, y = np.random.default_rng(1).uniform(-1, 1, (2, 8, 9, 9, 3)).astype("float32")
two = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
assert two.num_replicas_in_sync == 2
"""

_TRAIN = """
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

one = tf.distribute.get_strategy()
print("differ by", np.abs(train(two) - train(one)).max())
assert np.all(np.isfinite(train(two, max_points=10)))
"""

_LAST = """
# Nine images in fours: the last batch leaves a replica without any. Not by a network
# with convolutions, whose gradients TensorFlow does not have for empty batches.
def last(loss):
  with two.scope():
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((9, 9, 3)), keras.layers.Dense(3)])
    model.compile(keras.optimizers.SGD(0.1), loss)
  nine = np.concatenate([x, x[:1]]), np.concatenate([y, y[:1]])
  model.fit(*nine, batch_size=4, epochs=1, shuffle=False, verbose=0)
  print(all(np.all(np.isfinite(w)) for w in model.get_weights()))

vgg = cxloss.VGGFeatures("block1_conv1", "vgg16", "bundled")
for features in (None, cxloss.PatchFeatures(3, 2), vgg):
  last(cxloss.ContextualLoss(features))
last(cxloss.ContextualLoss(cxloss.PatchFeatures(3), crop_quarters=True, max_points=9))
last(cxloss.LowFrequencyLoss(3))
"""


def test_two_replicas_train_as_one():
  assert float(_run(_TWO + _TRAIN).split("differ by")[1]) < 1e-5


@pytest.mark.slow
def test_replica_without_images_does_no_harm():
  assert _run(_TWO + _LAST).split() == 5 * ["True"]


def _run(code):
  """Runs it in a process of its own, and returns its output."""
  result = subprocess.run(
    [sys.executable, "-c", code], capture_output=True, text=True, timeout=600
  )
  assert result.returncode == 0, result.stderr[-3000:]
  return result.stdout
