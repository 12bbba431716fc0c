import keras
import numpy as np
import pytest
import tensorflow as tf

import cxloss
from models import srgan, super_resolution

_LR = np.random.default_rng(1).uniform(-1, 1, (2, 8, 8, 3)).astype("float32")
_HR = np.random.default_rng(2).uniform(-1, 1, (2, 32, 32, 3)).astype("float32")


class _Refuses(keras.losses.Loss):
  def call(self, y_true, y_pred):
    raise AssertionError("a term of weight 0 was computed")


def _model(max_points=None, weight=1e-3, optimizer=keras.optimizers.Adam, rates=None):
  # Names alike: TensorFlow's optimiser of graphs goes by names, too, and orders sums by
  # them.
  keras.utils.clear_session()
  keras.utils.set_random_seed(3)
  contextual = cxloss.ContextualLoss(
    cxloss.PatchFeatures(), max_points=max_points, seed=7
  )
  model = super_resolution.SuperResolutionTrainer(
    srgan.generator(blocks=1, width=4),
    {"contextual": (0.1, contextual), "low_frequency": (10, cxloss.LowFrequencyLoss())},
    srgan.discriminator(32, width=2),
    weight,
  )
  model.compile(*map(optimizer, rates or (1e-3, 1e-3)))
  return model


def _steps(model, count):
  data = tf.data.Dataset.from_tensors((_LR, _HR)).repeat()
  return model.fit(data, steps_per_epoch=count, verbose=0, shuffle=False).history


def _cross_entropies(model, images):
  """Of D's logits: of taking images for real ones, and for generated ones."""
  logits = model.discriminator(images, training=True)
  return tf.reduce_mean(tf.nn.softplus(-logits)), tf.reduce_mean(tf.nn.softplus(logits))


def test_step_reports_the_objective_and_descends_its_gradient_by_a_new_discriminator():
  options = {"weight": 0.1, "optimizer": keras.optimizers.SGD}
  rates = 0.2, 1e-4
  expected = _model(**options, rates=rates)
  generator, discriminator = expected.generator, expected.discriminator
  with tf.GradientTape(persistent=True) as tape:
    sr = generator(_LR, training=True)
    values = {name: loss(_HR, sr) for name, (_, loss) in expected.terms.items()}
    values["d_real"], values["d_fake"] = (
      _cross_entropies(expected, images)[i] for i, images in enumerate((_HR, sr))
    )
    loss = values["d_real"] + values["d_fake"]
  variables = discriminator.trainable_variables
  for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
    variable.assign_sub(rates[1] * gradient)
  with tf.GradientTape() as tape:
    sr = generator(_LR, training=True)
    terms = {name: loss(_HR, sr) for name, (_, loss) in expected.terms.items()}
    values["adversarial"] = _cross_entropies(expected, sr)[0]
    values["loss"] = loss = (
      0.1 * terms["contextual"]
      + 10 * terms["low_frequency"]
      + 0.1 * values["adversarial"]
    )
  variables = generator.trainable_variables
  for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
    variable.assign_sub(rates[0] * gradient)
  model = _model(**options, rates=rates)
  logs = {name: means[0] for name, means in _steps(model, 1).items()}
  assert logs == pytest.approx({k: float(v) for k, v in values.items()}, rel=1e-4)
  pairs = zip(model.trainable_variables, expected.trainable_variables, strict=True)
  for a, b in pairs:
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5, err_msg=a.path)
  for network in ("generator", "discriminator"):
    start, end = getattr(_model(), network), getattr(model, network)
    moved = np.abs(np.subtract(end.get_weights()[0], start.get_weights()[0]))
    assert moved.max() > 1e-4, network


def test_both_steps_move_the_averages_of_the_discriminators_batch_normalisation():
  model = _model(optimizer=keras.optimizers.SGD, rates=(1e-3, 0.0))
  norm = next(
    layer
    for layer in model.discriminator.layers
    if isinstance(layer, keras.layers.BatchNormalization)
  )
  before = keras.Model(model.discriminator.input, norm.input)
  sr = model.generator(_LR, training=True)
  real, fake = (np.mean(before(images), axis=(0, 1, 2)) for images in (_HR, sr))
  _steps(model, 1)
  expected = 0.9 * (0.9 * 0.1 * real + 0.1 * fake) + 0.1 * fake
  np.testing.assert_allclose(norm.moving_mean, expected, rtol=1e-3, atol=1e-6)


def test_terms_of_weight_zero_are_not_computed_and_need_no_discriminator():
  keras.utils.set_random_seed(0)
  model = super_resolution.SuperResolutionTrainer(
    srgan.generator(blocks=1, width=8),
    {"mse": (1.0, keras.losses.MeanSquaredError()), "none": (0.0, _Refuses())},
    srgan.discriminator(32, width=2),
    adversarial_weight=0.0,
  )
  model.compile(keras.optimizers.Adam(3e-3))
  first = _steps(model, 1)
  assert set(first) == {"loss", "mse"}
  assert model.discriminator is None
  _steps(model, 60)
  assert _steps(model, 1)["mse"][0] < 0.8 * first["mse"][0]


def test_resumed_training_equals_uninterrupted_training(tmp_path):
  whole = _model(max_points=20)
  _steps(whole, 2)
  whole.save_weights(tmp_path / "state.weights.h5")
  _steps(whole, 2)
  keras.utils.set_random_seed(99)
  resumed = _model(max_points=20)
  resumed.load_weights(tmp_path / "state.weights.h5")
  assert int(resumed.discriminator_optimizer.iterations) == 2
  _steps(resumed, 2)
  for a, b in zip(whole.variables, resumed.variables, strict=True):
    np.testing.assert_allclose(a, b, atol=1e-6, err_msg=a.path)


@pytest.mark.slow
def test_step_compiled_by_xla_equals_the_plain_one():
  plain, compiled = _model(), _model()
  compiled.compile(
    keras.optimizers.Adam(1e-3), keras.optimizers.Adam(1e-3), jit_compile=True
  )
  a, b = _steps(plain, 1), _steps(compiled, 1)
  for name in a:
    assert a[name][0] == pytest.approx(b[name][0], rel=1e-3)


@pytest.mark.parametrize(
  ("terms", "weight", "message"),
  [
    ({"mse": (0.0, _Refuses())}, 0.0, "not all 0"),
    ({"mse": (-1.0, _Refuses())}, 0.0, "must be >= 0"),
    ({"mse": (1.0, _Refuses())}, 1e-3, "needs a `discriminator`"),
  ],
)
def test_impossible_objectives_are_refused(terms, weight, message):
  generator = srgan.generator(1, 4)
  with pytest.raises(ValueError, match=message):
    super_resolution.SuperResolutionTrainer(generator, terms, None, weight)
