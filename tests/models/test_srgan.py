import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import cxloss
from models import srgan

_LR = np.random.default_rng(1).uniform(-1, 1, (2, 8, 8, 3)).astype("float32")
_HR = np.random.default_rng(2).uniform(-1, 1, (2, 32, 32, 3)).astype("float32")


class _Refuses(keras.losses.Loss):
  def call(self, y_true, y_pred):
    raise AssertionError("a term of weight 0 was computed")


def _model(adversarial_weight=1e-3, max_points=None):
  # Names alike: TensorFlow's optimiser of graphs goes by names, too, and orders sums by
  # them.
  keras.utils.clear_session()
  keras.utils.set_random_seed(3)
  model = srgan.SuperResolutionTrainer(
    srgan.generator(blocks=1, width=4),
    {
      "contextual": (
        0.1,
        cxloss.ContextualLoss(cxloss.PatchFeatures(), max_points=max_points, seed=7),
      ),
      "low_frequency": (10.0, cxloss.LowFrequencyLoss()),
    },
    srgan.discriminator(32, width=2),
    adversarial_weight,
  )
  model.compile(keras.optimizers.Adam(1e-3), keras.optimizers.Adam(1e-3))
  return model


def _steps(model, count):
  data = tf.data.Dataset.from_tensors((_LR, _HR)).repeat()
  return model.fit(data, steps_per_epoch=count, verbose=0, shuffle=False).history


def test_generator_has_the_parameters_of_the_original():
  assert srgan.generator().count_params() == 1_522_371


def test_icnr_starts_without_a_checkerboard():
  image = np.random.default_rng(0).uniform(-1, 1, (1, 6, 6, 3)).astype("float32")
  for icnr in (False, True):
    pixels = srgan.generator(blocks=1, width=4, icnr=icnr)(image).numpy()
    blocks = pixels.reshape(1, 12, 2, 12, 2, 3)
    assert (np.ptp(blocks, axis=(2, 4)).max() < 1e-7) == icnr


def test_discriminator_has_the_layers_of_the_original():
  widths = [
    (layer.filters, layer.kernel_size[0], layer.strides[0])
    for layer in srgan.discriminator(384).layers
    if isinstance(layer, keras.layers.Conv2D)
  ]
  assert widths[:6] == [(64 << i, 4, 2) for i in range(6)]
  assert widths[6:8] == [(1024, 1, 1), (512, 1, 1)]
  assert widths[8:] == [(128, 1, 1), (128, 3, 1), (512, 3, 1)]


@pytest.mark.parametrize("size", [1, 30, 96])
def test_discriminator_takes_any_crop_size(size):
  assert srgan.discriminator(size, width=2)(np.zeros((2, size, size, 3))).shape == (
    2,
    1,
  )


def test_pooled_discriminator_takes_all_sizes_with_one_set_of_weights():
  network = srgan.discriminator(None, width=2)
  for size in (17, 64):
    assert network(np.zeros((1, size, size, 3))).shape == (1, 1)


def test_saved_generator_loads_in_plain_keras_and_takes_any_size(tmp_path):
  network = srgan.generator(blocks=1, width=4)
  network.save(tmp_path / "generator.keras")
  image = np.random.default_rng(0).uniform(-1, 1, (1, 5, 9, 3)).astype("float32")
  np.save(tmp_path / "image.npy", image)
  code = (
    "import keras, numpy as np\n"
    "network = keras.models.load_model('generator.keras')\n"
    "np.save('result.npy', network(np.load('image.npy')))\n"
    "import sys; assert not {'cxloss', 'models'} & set(sys.modules)\n"
  )
  subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
  result = np.load(tmp_path / "result.npy")
  assert result.shape == (1, 20, 36, 3)
  np.testing.assert_allclose(result, network(image), atol=1e-6)


def test_first_step_reports_the_objective_of_the_initial_networks():
  model = _model()
  sr = model.generator(_LR, training=True)
  real = model.discriminator(_HR, training=True).numpy()
  fake = model.discriminator(sr, training=True).numpy()
  terms = {name: float(loss(_HR, sr)) for name, (_, loss) in model.terms.items()}
  logs = {name: values[0] for name, values in _steps(_model(), 1).items()}
  assert logs["d_real"] == pytest.approx(np.mean(np.log1p(np.exp(-real))), rel=1e-4)
  assert logs["d_fake"] == pytest.approx(np.mean(np.log1p(np.exp(fake))), rel=1e-4)
  for name, value in terms.items():
    assert logs[name] == pytest.approx(value, rel=1e-3)
  assert logs["loss"] == pytest.approx(
    0.1 * logs["contextual"] + 10 * logs["low_frequency"] + 1e-3 * logs["adversarial"],
    rel=1e-4,
  )


def test_each_network_follows_its_own_loss_alone():
  model = _model()
  before = [w.numpy() for w in model.discriminator.trainable_variables]
  with tf.GradientTape() as tape:
    sr = model.generator(_LR, training=True)
    values = model._generator_losses(_HR, sr, training=True)
  variables = model.generator.trainable_variables
  expected = tape.gradient(values["adversarial"], variables)
  assert all(np.abs(g).max() > 0 for g in expected[:1])
  _steps(model, 1)
  moved = [
    np.abs(w - b).max()
    for w, b in zip(model.discriminator.trainable_variables, before, strict=True)
  ]
  # The first step of Adam moves every weight by the learning rate, whatever the
  # size of its gradient: the discriminator did learn, and once.
  assert max(moved) == pytest.approx(1e-3, rel=0.05)


def test_terms_of_weight_zero_are_not_computed_and_need_no_discriminator():
  model = srgan.SuperResolutionTrainer(
    srgan.generator(blocks=1, width=4),
    {"mse": (1.0, keras.losses.MeanSquaredError()), "none": (0.0, _Refuses())},
    srgan.discriminator(32, width=2),
    adversarial_weight=0.0,
  )
  model.compile(keras.optimizers.Adam(1e-3))
  assert set(_steps(model, 1)) == {"loss", "mse"}
  assert model.discriminator is None


def test_mse_phase_reduces_the_error():
  keras.utils.set_random_seed(0)
  model = srgan.SuperResolutionTrainer(
    srgan.generator(blocks=1, width=8), {"mse": (1.0, keras.losses.MeanSquaredError())}
  )
  model.compile(keras.optimizers.Adam(3e-3))
  first = _steps(model, 1)["mse"][0]
  _steps(model, 60)
  assert _steps(model, 1)["mse"][0] < 0.8 * first


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


def test_backbone_is_not_in_the_checkpoint(tmp_path):
  features = cxloss.VGGFeatures(["block3_conv3"], "vgg16", weights=None)
  model = srgan.SuperResolutionTrainer(
    srgan.generator(blocks=1, width=4),
    {"contextual": (0.1, cxloss.ContextualLoss(features))},
  )
  model.compile("adam")
  model.save_weights(tmp_path / "state.weights.h5")
  assert (tmp_path / "state.weights.h5").stat().st_size < 1_000_000


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
  with pytest.raises(ValueError, match=message):
    srgan.SuperResolutionTrainer(srgan.generator(1, 4), terms, None, weight)
