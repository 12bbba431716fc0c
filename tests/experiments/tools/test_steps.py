import keras
import numpy as np
import pytest
import skimage
import tensorflow as tf

from experiments.common import networks
from experiments.tools import steps


@pytest.fixture(autouse=True)
def _policy_is_restored():
  yield
  keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize(
  "loss", ["contextual", pytest.param("vgg", marks=pytest.mark.slow)]
)
def test_a_step_is_timed(monkeypatch, loss):
  monkeypatch.setattr(steps, "_SECONDS", 0.0)
  monkeypatch.setattr(steps, "_LEAST", 1)
  found = steps.measure(loss, "float32", 1, 32, blocks=1, width=4)
  assert 0 < found["seconds"] < 10 and found["memory"] > 0.05


def test_gradients_of_the_generator_in_bfloat16_point_as_in_float32():
  photograph = skimage.data.astronaut()[:192, 128:320].astype(np.float32) / 127.5 - 1
  hr = np.stack([photograph[i : i + 48, j : j + 48] for i in (0, 96) for j in (48, 96)])
  lr = tf.image.resize(hr, (12, 12), "area")
  weights = networks.load_generator(
    networks.PRETRAINED["pretrained-mse"], 4
  ).get_weights()
  gradients = {}
  for precision in steps.PRECISIONS:
    keras.config.set_dtype_policy(precision)
    trainer = steps.build("contextual", precision, 48, "vgg16", "bundled")
    trainer.generator.set_weights(weights)
    variables = trainer.generator.trainable_variables
    with tf.GradientTape() as tape:
      sr = trainer.generator(lr, training=True)
      value = sum(w * loss(hr, sr) for w, loss in trainer.terms.values())
    gradients[precision] = tape.gradient(value, variables)
  cosines = [
    float(tf.reduce_sum(a * b) / (tf.norm(a) * tf.norm(b)))
    for a, b in zip(*gradients.values(), strict=True)
  ]
  # How much is rounded differs from processor to processor.
  assert min(cosines) > 0.95 and np.median(cosines) > 0.97
