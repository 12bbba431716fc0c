import keras
import numpy as np
import pytest

from models import averaging, srgan, super_resolution

_RNG = np.random.default_rng(0)
_HR = _RNG.uniform(-1, 1, (2, 16, 16, 3)).astype("float32")
_LR = _RNG.uniform(-1, 1, (2, 4, 4, 3)).astype("float32")


def _model(average):
  # Names of variables alike: TensorFlow's optimiser of graphs goes by names, too, and
  # orders sums by them.
  keras.utils.clear_session()
  keras.utils.set_random_seed(1)
  generator = srgan.generator(blocks=1, width=4)
  terms = {"mse": (1.0, keras.losses.MeanSquaredError())}
  model = super_resolution.SuperResolutionTrainer(generator, terms, average=average)
  model.compile(keras.optimizers.SGD(0.1))
  return model


def _step(model):
  model.fit(_LR, _HR, batch_size=2, epochs=1, verbose=0)
  return model.generator.get_weights()


def test_average_follows_every_weight_and_leaves_the_training_as_it_is():
  model, plain = _model(0.75), _model(0.0)
  assert plain.average is None
  # As if an earlier phase had trained it since: of that, nothing is averaged.
  for each in (model, plain):
    each.generator.set_weights([w + 1 for w in each.generator.get_weights()])
  expected = None
  for _ in range(3):
    weights = _step(model)
    expected = expected or weights
    expected = [0.75 * a + 0.25 * w for a, w in zip(expected, weights, strict=True)]
    for a, b in zip(weights, _step(plain), strict=True):
      np.testing.assert_allclose(a, b, atol=1e-6)
  with model.average.inside(model.generator):
    for a, b in zip(model.generator.get_weights(), expected, strict=True):
      np.testing.assert_allclose(a, b, atol=1e-6)
  for a, b in zip(model.generator.get_weights(), weights, strict=True):
    np.testing.assert_array_equal(a, b)
  model.average.copy_to(model.generator)
  # Batch normalisation's statistics as well.
  assert any(np.abs(a - w).max() > 1e-3 for a, w in zip(expected, weights, strict=True))
  for a, b in zip(model.generator.get_weights(), expected, strict=True):
    np.testing.assert_allclose(a, b, atol=1e-6)


def test_weights_come_back_after_an_error_and_the_average_from_a_checkpoint(tmp_path):
  model = _model(0.5)
  weights = _step(model)
  with pytest.raises(RuntimeError), model.average.inside(model.generator):
    raise RuntimeError
  for a, b in zip(model.generator.get_weights(), weights, strict=True):
    np.testing.assert_array_equal(a, b)
  model.save_weights(tmp_path / "state.weights.h5")
  other = _model(0.5)
  other.load_weights(tmp_path / "state.weights.h5")
  for each in (model, other):
    _step(each)
    each.average.copy_to(each.generator)
  pairs = zip(model.generator.weights, other.generator.weights, strict=True)
  for a, b in pairs:
    np.testing.assert_array_equal(a, b, err_msg=a.path)


@pytest.mark.parametrize("momentum", [-0.1, 1.0, float("nan")])
def test_momentum_is_between_0_and_1(momentum):
  with pytest.raises(ValueError, match="must be in"):
    averaging.WeightAverage(srgan.generator(blocks=1, width=2), momentum)
