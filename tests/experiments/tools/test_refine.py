import keras
import numpy as np
import pytest

from experiments.common.data import samples
from experiments.common.run.errors import UserError
from experiments.common.upscaling import pairs
from experiments.tools import refine, self_training
from tests.experiments import in_process

_GRID = 6 / 127.5 * np.random.default_rng(0).normal(size=(4, 4, 3))
_GRID -= _GRID.mean(axis=(0, 1))


@keras.saving.register_keras_serializable("test_refine")
class _Grid(keras.layers.Layer):
  """Enlarges by 4 without a fault but a grid of 6 grey levels, which it can unlearn."""

  def build(self, shape):
    del shape
    grid = keras.initializers.Constant(_GRID)
    self.grid = self.add_weight(shape=(4, 4, 3), initializer=grid, name="grid")

  def call(self, images):
    _, height, width, _ = keras.ops.shape(images)
    large = keras.ops.repeat(keras.ops.repeat(images, 4, axis=1), 4, axis=2)
    return large + keras.ops.tile(self.grid, (height, width, 1))

  def compute_output_shape(self, shape):
    sides = (side and 4 * side for side in shape[1:3])
    return shape[0], *sides, 3


@pytest.fixture(name="weights")
def _weights(tmp_path):
  image = keras.Input((None, None, 3))
  keras.Model(image, _Grid()(image)).save(tmp_path / "grid.keras")
  return str(tmp_path / "grid.keras")


def test_network_unlearns_its_grid(tmp_path, weights):
  output = tmp_path / "refined.keras"
  out, _ = in_process.succeed(
    *("tools.refine", "--data=samples", f"--weights={weights}", f"--output={output}"),
    *("--back_projections=0", "--steps=60", "--learning_rate=1e-2", "--crop_size=28"),
  )
  assert str(output) in out
  (grid,) = keras.models.load_model(output).get_weights()
  assert np.abs(grid).mean() < 0.1 * np.abs(_GRID).mean()


@pytest.mark.parametrize("weight", [1, 10])
def test_results_that_are_kept_are_weighed_against_flat_colours(
  tmp_path, weights, weight
):
  output = tmp_path / "refined.keras"
  in_process.succeed(
    *("tools.refine", "--data=samples", f"--weights={weights}", f"--output={output}"),
    *("--back_projections=0", "--nopattern", f"--colour_weight={weight}"),
    *("--steps=150", "--learning_rate=1e-2", "--crop_size=28"),
  )
  (grid,) = keras.models.load_model(output).get_weights()
  # Of five pictures, four are photographs, whose results have the grid: the least of
  # 4/5 (g - 1)^2 + 1/5 g^2 + weight g^2.
  share = np.vdot(grid, _GRID) / np.vdot(_GRID, _GRID)
  assert share == pytest.approx(0.8 / (1 + weight), abs=0.03)


def test_examples_reduce_to_the_small_photograph_and_are_blended(tmp_path, weights):
  photograph = samples.photograph("coffee")[100:228, 200:360]

  def examples(**values):
    settings = refine.Settings(data="samples", output="o.keras", **values)
    [(lr, hr)] = self_training.examples([photograph], settings)
    np.testing.assert_array_equal(lr, pairs.make_pair(photograph, 4)[0])
    return lr, hr.astype(float)

  lr, own = examples(weights=weights)
  assert np.abs(pairs.make_pair(np.uint8(own), 4)[0] - lr.astype(float)).mean() < 1
  _, raw = examples(weights=weights, back_projections=0)
  assert np.abs(pairs.make_pair(np.uint8(raw), 4)[0] - lr.astype(float)).mean() > 1
  _, blended = examples(weights=weights, blend="pretrained-mse", share=1.0)
  _, half = examples(weights=weights, blend="pretrained-mse", share=0.5)
  # But for what is cut off at black and white, and the mse network's own grid.
  assert np.abs(half - (own + blended) / 2).mean() < 0.6


@pytest.mark.parametrize(
  ("values", "message"),
  [
    ({"data": None}, "--data must name photographs"),
    ({"weights": "pretrained-xc"}, "--weights must be pretrained-mse or"),
    ({"weights": None}, "--weights must be a network's .keras file"),
    ({"blend": "none.keras"}, "--blend must be a network's .keras file"),
    ({"output": "o.h5"}, r"--output must be a file ending in \.keras"),
  ],
)
def test_mistakes_are_named(values, message):
  values = {"data": "samples", "weights": "pretrained-cx", "output": "o.keras"} | values
  with pytest.raises(UserError, match=message):
    refine.Settings(**values)
