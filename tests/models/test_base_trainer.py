import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

import cxloss
from models import base_trainer, srgan, super_resolution
from tests.experiments import command
from tests.experiments.common.run import cluster

_LOCAL = ("one", "mirrored")


def _start(kind, folder, name, environment=None):
  arguments = kind, folder / f"{name}.npz", folder / f"{kind}.weights.h5"
  return command.start("tests.models.distributed", *arguments, environment=environment)


@pytest.fixture(scope="module", name="trained")
def _trained(tmp_path_factory):
  """Weights and logs of one device and of two, with the same global batch."""
  folder = tmp_path_factory.mktemp("trained")
  return _ends(folder, {kind: _start(kind, folder, kind) for kind in _LOCAL})


def _ends(folder, processes):
  """What processes have saved, by their names."""
  for name, process in processes.items():
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, f"{name}: {err[-3000:]}"
  return {name: dict(np.load(folder / f"{name}.npz")) for name in processes}


def _assert_same_step(one, other):
  for name, value in one.items():
    np.testing.assert_allclose(other[name], value, rtol=3e-5, atol=2e-5, err_msg=name)
  # What they agree on is a step far larger than the tolerance.
  kernel = "conv2d_1/kernel"
  assert np.abs(one[f"after/{kernel}"] - one[f"before/{kernel}"]).max() > 2e-3


@pytest.mark.slow
def test_replicas_take_the_step_of_one_device_on_the_whole_batch(trained):
  _assert_same_step(trained["one"], trained["mirrored"])


@pytest.mark.slow
def test_hosts_take_the_step_of_one_device_and_hold_the_same_weights(trained, tmp_path):
  workers = {
    f"worker{i}": _start("workers", tmp_path, f"worker{i}", environment)
    for i, environment in enumerate(cluster.environments())
  }
  first, second = _ends(tmp_path, workers).values()
  _assert_same_step(trained["one"], first)
  for path, weight in first.items():
    if "/" in path:  # not of the values reported
      np.testing.assert_array_equal(weight, second[path], err_msg=path)


def test_fit_calls_the_private_method_that_trainers_override(monkeypatch):
  # If this fails, Keras has changed it: `Trainer._maybe_symbolic_build` has no effect.
  calls = []
  spy = lambda self, *args, **kwargs: calls.append(self)  # noqa: E731
  monkeypatch.setattr(base_trainer.Trainer, "_maybe_symbolic_build", spy)
  model = _small()
  model.compile("adam")
  _fit(model, steps=1)
  assert calls == [model]


@pytest.mark.slow
def test_processes_train_to_the_same_bits_where_several_losses_meet_at_an_output():
  processes = [command.start("tests.models.bits") for _ in range(4)]
  outputs = []
  for process in processes:
    out, err = process.communicate(timeout=1500)
    assert process.returncode == 0, err[-3000:]
    outputs.append(out)
  assert len(outputs[0].split()) == 6
  assert set(outputs) == {outputs[0]}


def test_losses_and_metrics_of_keras_are_refused():
  model = _small()
  for name in ("loss", "loss_weights", "metrics", "weighted_metrics"):
    with pytest.raises(
      ValueError, match=f"`{name}` has no effect.* {name}=\\['mse'\\]"
    ):
      model.compile("adam", **{name: ["mse"]})


@pytest.mark.parametrize(
  "policy", ["mixed_bfloat16", pytest.param("mixed_float16", marks=pytest.mark.slow)]
)
def test_mixed_precision_trains_with_finite_losses_close_to_those_of_float32(policy):
  exact = _first_losses("float32")
  mixed = _first_losses(policy)
  assert set(mixed) == set(exact)
  for name, value in mixed.items():
    assert value == pytest.approx(exact[name], rel=0.1), name


@pytest.mark.slow
def test_float16_scales_the_losses_of_both_networks_and_skips_what_overflows():
  keras.config.set_dtype_policy("mixed_float16")
  try:
    model = _model()
  finally:
    keras.config.set_dtype_policy("float32")
  optimizers = model.optimizer, model.discriminator_optimizer
  for optimizer in optimizers:
    assert isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    # At such a scale, float16 overflows.
    optimizer.dynamic_scale.assign(1e30)
  before = [weight.numpy() for weight in model.generator.trainable_weights]
  _fit(model, steps=1)
  for weight, value in zip(model.generator.trainable_weights, before, strict=True):
    np.testing.assert_array_equal(weight, value)
  for optimizer in optimizers:
    assert float(optimizer.dynamic_scale) == pytest.approx(5e29)
    optimizer.dynamic_scale.assign(0.01)
  logs = _fit(model, steps=3)
  assert all(np.isfinite(list(logs.values())))
  # Processors differ in whether one of these steps overflows, too.
  assert all(int(optimizer.iterations) > 0 for optimizer in optimizers)
  assert any(
    np.abs(weight.numpy() - value).max() > 0
    for weight, value in zip(model.generator.trainable_weights, before, strict=True)
  )


def _fit(model, steps):
  rng = np.random.default_rng(1)
  pair = (rng.uniform(-1, 1, (2, side, side, 3)).astype("float32") for side in (8, 32))
  data = tf.data.Dataset.from_tensors(tuple(pair)).repeat()
  history = model.fit(data, steps_per_epoch=steps, verbose=0, shuffle=False).history
  return {name: values[0] for name, values in history.items()}


@functools.cache
def _first_losses(policy):
  keras.config.set_dtype_policy(policy)
  try:
    return _fit(_model(), steps=1)
  finally:
    keras.config.set_dtype_policy("float32")


def _small():
  terms = {"mse": (1.0, keras.losses.MeanSquaredError())}
  return super_resolution.SuperResolutionTrainer(srgan.generator(1, 4), terms)


def _model():
  keras.utils.set_random_seed(3)
  features = cxloss.VGGFeatures({"block1_conv2": 1.0}, "vgg16", "bundled")
  terms = {
    "contextual": (0.1, cxloss.ContextualLoss(features, dtype="float32")),
    "low_frequency": (10.0, cxloss.LowFrequencyLoss(dtype="float32")),
  }
  generator = srgan.generator(blocks=1, width=8)
  model = super_resolution.SuperResolutionTrainer(
    generator, terms, srgan.discriminator(32, width=8), 1e-3
  )
  model.compile(keras.optimizers.Adam(1e-4), keras.optimizers.Adam(1e-4))
  return model
