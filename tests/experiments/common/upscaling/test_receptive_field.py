import keras
import pytest

from experiments.common.upscaling import tiling
from models import enhancenet, lapsrn, srgan


@pytest.mark.parametrize("blocks", [1, 16, 40])
def test_reach_of_srgan_has_its_closed_form(blocks):
  # 2 layers a block and 3 others of 3 x 3 at the input's resolution, and one at
  # twice that, which sees half a pixel.
  model = srgan.generator(blocks=blocks, width=4)
  assert tiling.reach(model) == 2 * blocks + 4


def test_reach_of_lapsrn_grows_with_both_levels():
  short, long = (lapsrn.generator(d, 4) for d in (1, 3))
  # A layer of the second level sees half a pixel.
  assert tiling.reach(long) == tiling.reach(short) + 3


@pytest.mark.parametrize("blocks", [1, 40])
def test_reach_of_enhancenet_has_its_closed_form(blocks):
  # 2 layers a block and the first; one at twice the resolution, 3 at four times:
  # 1.25 pixels, which reach into the second pixel.
  model = enhancenet.generator(blocks, width=4)
  assert tiling.reach(model) == 2 * blocks + 1 + 2


def _model(*layers):
  return keras.Sequential([keras.Input((None, None, 3)), *layers])


@pytest.mark.parametrize(
  ("layers", "expected"),
  [
    ([keras.layers.Conv2D(3, 1)], 0),
    ([keras.layers.Conv2D(3, (3, 7), padding="same")], 3),
    ([keras.layers.Conv2D(3, (9, 1), padding="same")], 4),
    ([keras.layers.Conv2D(3, 3, padding="same", dilation_rate=4)], 4),
    ([keras.layers.Conv2D(3, 4, padding="same")], 2),  # one pixel, and two
    ([keras.layers.Conv2D(3, 5, padding="same", kernel_initializer="zeros")], 2),
    ([keras.layers.Conv2D(3, 201, padding="same")], 100),
    ([keras.layers.Conv2D(3, 3, padding="same", activation="relu")], 1),
  ],
)
def test_farthest_direction_counts_whatever_the_weights(layers, expected):
  assert tiling.reach(_model(*layers)) == expected


def test_dead_units_do_not_hide_what_they_could_see():
  bias = keras.initializers.Constant(-9)
  options = {"padding": "same", "activation": "relu", "bias_initializer": bias}
  dead = keras.layers.Conv2D(3, 3, **options)
  model = _model(dead, keras.layers.Conv2D(3, 3, padding="same"))
  assert tiling.reach(model) == 2


def test_global_pooling_has_no_reach():
  x = keras.Input((None, None, 3))
  model = keras.Model(x, x + keras.layers.GlobalAveragePooling2D(keepdims=True)(x))
  assert tiling.reach(model) is None
