import keras
import numpy as np
import pytest

from experiments.common import networks
from experiments.common.data import samples
from experiments.common.run.errors import UserError
from experiments.common.upscaling import pairs
from experiments.tools import equaliser, refine, self_training
from models import srgan
from tests.experiments import in_process

_GRID = 6 / 127.5 * np.random.default_rng(0).normal(size=(4, 4, 3))
_GRID -= _GRID.mean(axis=(0, 1))
_GRIDS = 127.5 * np.tile(_GRID, (1, 7, 7, 1))
_CHECKS = (-1.0) ** np.indices((8, 8)).sum(axis=0)


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
    *("--back_projections=0", "--steps=90", "--learning_rate=1e-2", "--crop_size=28"),
  )
  assert str(output) in out
  (grid,) = keras.models.load_model(output).get_weights()
  assert np.abs(grid).mean() < 0.1 * np.abs(_GRID).mean()


@pytest.mark.parametrize("weight", [50, 500])
def test_results_that_are_kept_are_weighed_against_flat_colours(
  tmp_path, weights, weight, monkeypatch
):
  monkeypatch.setattr(self_training, "_DRAWINGS", 0)
  # Diagonals of the photographs' own hide a part of the grid's.
  monkeypatch.setattr(self_training, "_DIAGONALS", 0.0)
  output = tmp_path / "refined.keras"
  in_process.succeed(
    *("tools.refine", "--data=samples", f"--weights={weights}", f"--output={output}"),
    *("--back_projections=0", "--nopattern", f"--colour_weight={weight}"),
    *("--steps=150", "--learning_rate=1e-2", "--crop_size=28"),
  )
  (grid,) = keras.models.load_model(output).get_weights()
  # Photographs' results have the grid: the least of error (g - 1)^2 + weight g^2.
  error = 1 + self_training._PATTERN + self_training._STRENGTH
  share = np.vdot(grid, _GRID) / np.vdot(_GRID, _GRID)
  assert share == pytest.approx(error / (error + weight), abs=0.03)


@pytest.mark.parametrize(
  ("difference", "parts"),
  [
    # A wrong colour is one of blocks and squares, too; a grid has details.
    (np.ones((1, 28, 28, 3)), {"_BLOCKS", "_SQUARES"}),
    (100 * _GRIDS, {"_PATTERN", "_STRENGTH"}),
    # Colours of blocks that cancel out in squares.
    (100 * np.kron(_CHECKS, np.ones((4, 4)))[None, ..., None], {"_BLOCKS"}),
  ],
)
def test_error_weighs_what_many_pixels_share(difference, parts):
  expected = 1 + sum(getattr(self_training, name) for name in parts)
  expected *= np.mean(difference**2)
  expected += self_training._DIAGONALS * _diagonals(difference)
  assert _error(difference) == pytest.approx(expected, rel=1e-2)


def test_stripes_along_rows_or_columns_are_no_diagonals():
  stripes = np.tile([100.0, -100.0], (1, 28, 14))[..., None]
  for axes in ((0, 1, 2, 3), (0, 2, 1, 3)):
    difference = stripes.transpose(axes)
    expected = 1 + self_training._PATTERN + self_training._STRENGTH
    assert _error(difference) == pytest.approx(1e4 * expected, rel=1e-2)


def test_details_of_the_right_strength_cost_less_than_none():
  details = 10 * np.random.default_rng(0).normal(size=(2, 1, 28, 28, 3))
  target, other = details.astype(np.float32)
  assert self_training.error(other, target, 4) < self_training.error(
    np.zeros_like(target), target, 4
  )


def _diagonals(images):
  found = np.diff(np.diff(images, axis=1), axis=2)
  # The last rows and columns fill no area of 8 pixels.
  height, width = (side // 8 * 8 for side in found.shape[1:3])
  return np.mean(found[:, :height, :width] ** 2)


def _error(difference):
  difference = difference.astype(np.float32)
  return float(self_training.error(difference, np.zeros_like(difference), 4))


def test_last_layers_alone_are_trained(tmp_path):
  keras.utils.set_random_seed(0)
  before = srgan.generator(blocks=1, width=4)
  before.save(tmp_path / "start.keras")
  in_process.succeed(
    *("tools.refine", "--data=samples", f"--weights={tmp_path / 'start.keras'}"),
    *(f"--output={tmp_path / 'refined.keras'}", "--last_layers=2", "--steps=2"),
    *("--back_projections=0", "--crop_size=28"),
  )
  after = keras.models.load_model(tmp_path / "refined.keras")
  moved = [
    layer.name
    for layer, other in zip(before.layers, after.layers, strict=True)
    if any(map(np.any, map(np.subtract, layer.get_weights(), other.get_weights())))
  ]
  assert moved == [layer.name for layer in before.layers if layer.weights][-2:]
  assert all(layer.trainable for layer in after.layers)


def test_examples_reduce_to_the_small_photograph_and_are_blended(weights):
  photograph = samples.photograph("coffee")[100:228, 200:360]
  network, mse = (
    networks.load_generator(networks.path_of(name), 4)
    for name in (weights, "pretrained-mse")
  )

  def examples(other=None, **values):
    settings = refine.Settings(
      data="samples", weights=weights, output="o.keras", **values
    )
    [(lr, hr)] = self_training.examples([photograph], network, other, settings)
    np.testing.assert_array_equal(lr, pairs.make_pair(photograph, 4)[0])
    return lr, hr.astype(float)

  lr, own = examples()
  assert np.abs(pairs.make_pair(np.uint8(own), 4)[0] - lr.astype(float)).mean() < 1
  _, raw = examples(back_projections=0)
  assert np.abs(pairs.make_pair(np.uint8(raw), 4)[0] - lr.astype(float)).mean() > 1
  _, blended = examples(mse, share=1.0)
  _, half = examples(mse, share=0.5)
  # But for what is cut off at black and white, and the mse network's own grid.
  assert np.abs(half - (own + blended) / 2).mean() < 0.6
  for other, lift in ((None, 0.0), (mse, 0.5)):
    _, grid = examples(other, pattern=False)
    _, equal = examples(other, pattern=False, lift=lift)
    decibels = equaliser.difference(grid, photograph)
    gains = [lift * gain if gain > 0 else gain for gain in decibels]
    expected = np.clip(equaliser.amplified(grid, np.array(gains)), 0, 255)
    # But for two roundings, the first of which is amplified.
    assert np.abs(equal - expected).mean() < 0.5 < 0.7 < np.abs(equal - grid).mean()


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
