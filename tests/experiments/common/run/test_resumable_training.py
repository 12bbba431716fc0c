import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from experiments.common.run import resumable_training
from models import srgan, super_resolution

_LR = np.random.default_rng(1).uniform(-1, 1, (2, 8, 8, 3)).astype("float32")
_HR = np.random.default_rng(2).uniform(-1, 1, (2, 32, 32, 3)).astype("float32")


class _Spoilt(keras.losses.Loss):
  """Not finite, in value or in gradient, from a given call on."""

  def __init__(self, start, value, gradient):
    super().__init__(name="spoilt")
    self._calls = tf.Variable(0)
    self._start, self._value, self._gradient = start, value, gradient

  def call(self, y_true, y_pred):
    spoilt = self._calls.assign_add(1) > self._start

    @tf.custom_gradient
    def spoil(x):
      value = tf.where(spoilt, self._value, x)
      return value, lambda g: tf.where(spoilt, self._gradient, g)

    return spoil(tf.reduce_mean((y_true - y_pred) ** 2, axis=[1, 2, 3]))


def _model(term=None, policy="float32"):
  # Names of variables alike: TensorFlow's optimiser of graphs goes by names, too, and
  # orders sums by them.
  keras.utils.clear_session()
  keras.utils.set_random_seed(3)
  keras.config.set_dtype_policy(policy)
  terms = {"mse": (1.0, keras.losses.MeanSquaredError())}
  if term is not None:
    terms["spoilt"] = (1.0, term)
  model = super_resolution.SuperResolutionTrainer(
    srgan.generator(blocks=1, width=4), terms
  )
  model.compile(keras.optimizers.Adam(1e-3))
  keras.config.set_dtype_policy("float32")
  return model


def _batches(step, context):
  del context
  return tf.data.Dataset.from_tensors((_LR, _HR)).repeat()


def _fit(model, backup, epochs=2, every=2, callbacks=()):
  resumable_training.fit(
    model,
    _batches,
    steps_per_epoch=5,
    epochs=epochs,
    backup=backup,
    every=every,
    callbacks=list(callbacks),
    verbose=0,
  )


def _step(backup):
  with h5py.File(backup) as file:
    return int(file.attrs["step"])


@pytest.mark.parametrize(
  ("value", "gradient", "named"),
  [
    (np.nan, 0.0, ": spoilt"),
    (np.inf, 0.0, ": spoilt"),
    (1.0, np.nan, ": mse"),
  ],
)
def test_nan_stops_training_before_it_reaches_the_backup(
  tmp_path, value, gradient, named
):
  backup = tmp_path / "backup.weights.h5"
  with pytest.raises(resumable_training.NonFiniteError) as error:
    _fit(_model(_Spoilt(5, value, gradient)), backup, every=99)
  assert named in str(error.value) and str(backup) in str(error.value)
  assert _step(backup) == 5
  model = _model(_Spoilt(99, 0.0, 0.0))
  model.load_weights(backup)
  assert all(np.isfinite(weight.numpy()).all() for weight in model.weights)


def test_nan_in_the_weights_alone_does_not_reach_the_backup(tmp_path):
  # Its gradient turns the weights to NaN at the very step of a backup, which no value
  # has shown yet.
  backup = tmp_path / "backup.weights.h5"
  message = r"after step 4: weight .*kernel"
  with pytest.raises(resumable_training.NonFiniteError, match=message):
    _fit(_model(_Spoilt(3, 1.0, np.nan)), backup)
  assert _step(backup) == 2


class _KilledError(Exception):
  pass


@pytest.fixture(scope="module", name="whole")
def _whole(tmp_path_factory):
  """A model that was trained without a break."""
  model = _model()
  _fit(model, tmp_path_factory.mktemp("whole") / "whole.weights.h5")
  return model


# Before the first backup and between two; at one, and at the end of an epoch.
@pytest.mark.parametrize(
  "where", [1, 7, *(pytest.param(step, marks=pytest.mark.slow) for step in (2, 5))]
)
def test_training_cut_off_at_any_step_ends_with_the_same_weights(
  whole, tmp_path, where
):
  def stop(batch, logs):
    del batch, logs
    if int(model.optimizer.iterations) == where:
      raise _KilledError

  model = _model()
  backup = tmp_path / "cut.weights.h5"
  with pytest.raises(_KilledError):
    stopper = keras.callbacks.LambdaCallback(on_train_batch_end=stop)
    _fit(model, backup, callbacks=[stopper])
  resumed = _model()
  keras.utils.set_random_seed(99)
  _fit(resumed, backup)
  assert _step(backup) == 10
  for a, b in zip(whole.weights, resumed.weights, strict=True):
    np.testing.assert_array_equal(a, b, err_msg=a.path)


def test_steps_that_loss_scaling_skips_are_counted_and_not_repeated(tmp_path):
  model = _model(policy="mixed_float16")
  model.optimizer.dynamic_scale.assign(1e30)
  backup = tmp_path / "backup.weights.h5"
  _fit(model, backup, epochs=1)
  assert _step(backup) == 5
  assert int(model.optimizer.iterations) < 5
