"""The losses of aligned images: values, gradients, and Keras' contract."""

import keras
import numpy as np
import pytest

import cxloss
from cxloss import dists, lpips
from tests import golden_pairs
from tests.cxloss import oracle, vgg16
from tests.cxloss.oracle import array, value_and_gradients

_RNG = np.random.default_rng(0)
_TARGET, _GENERATED = _RNG.uniform(0.1, 1, (2, 2, 36, 33, 3)).astype("float32")
_PATCHES = cxloss.PatchFeatures(1, 1)
_NAMES = ("perceptual", "texture", "lpips", "dists")
_every = pytest.mark.parametrize("name", _NAMES)


@pytest.fixture(scope="module", name="make")
def _make(tmp_path_factory):
  """A maker of each loss by its name, for images in [0, 1]."""
  path = tmp_path_factory.mktemp("weights") / "vgg16.npz"
  vgg16.random_weights(path)
  vgg = cxloss.VGGFeatures({"block1_conv2": 2.0}, "vgg16", "bundled", (0, 1))
  return {
    "perceptual": lambda **options: cxloss.PerceptualLoss(vgg, **options),
    "texture": lambda **options: cxloss.TextureLoss([vgg], patch_size=9, **options),
    "lpips": lambda **options: cxloss.LPIPSLoss((0, 1), **options),
    "dists": lambda **options: cxloss.DISTSLoss((0, 1), path, **options),
  }


def _perceptual(target, generated, power, normalize):
  if normalize:
    mean = target.mean(axis=(1, 2, 3), keepdims=True)
    target, generated = target / mean, generated / mean
  return (np.abs(generated - target) ** power).mean(axis=(1, 2, 3))


def _texture(target, generated, size, normalize):
  """The loop over images and regions; a size of `None` is the whole map."""
  losses = []
  for pair in zip(target, generated, strict=True):
    if normalize:
      pair = [v / pair[0].mean() for v in pair]
    height, width, channels = pair[0].shape
    side = size or max(height, width)
    rows, columns = (range(0, max(s - side, 0) + 1, side) for s in (height, width))
    errors = []
    for top in rows:
      for left in columns:
        a, b = (
          v[top : top + side, left : left + side].reshape(-1, channels) for v in pair
        )
        scale = 1 if size else len(a)
        errors.append(((a.T @ a - b.T @ b) / scale) ** 2)
    losses.append(np.mean(errors))
  return np.array(losses)


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize(
  ("make", "expected"),
  [
    (lambda n: cxloss.PerceptualLoss(_PATCHES, "l1", n, "none"), (_perceptual, 1)),
    (lambda n: cxloss.PerceptualLoss(_PATCHES, "l2", n, "none"), (_perceptual, 2)),
    (lambda n: cxloss.TextureLoss(_PATCHES, 3, n, "none"), (_texture, 3)),
    (lambda n: cxloss.TextureLoss(_PATCHES, None, n, "none"), (_texture, None)),
  ],
)
def test_values_and_gradients_are_those_of_the_equations(make, expected, normalize):
  function, option = expected
  pair = _TARGET[:, :7, :9], _GENERATED[:, :7, :9]
  oracle.check_gradients(
    make(normalize), lambda *v: function(*v, option, normalize), *pair, rtol=1e-4
  )


def test_lpips_and_its_gradient_are_those_of_the_equations():
  # Two layers of different sizes, which add up.
  shapes = (2, 3, 2, 6), (2, 2, 1, 4)
  maps = [oracle.features(i, *shape) for i in (1, 2) for shape in shapes]
  heads = [np.abs(oracle.features(3, shape[3])) for shape in shapes]

  def expected(*maps):
    units = [v / np.linalg.norm(v, axis=3, keepdims=True) for v in maps]
    return sum(
      (head * (a - b) ** 2).sum(axis=3).mean(axis=(1, 2))
      for head, a, b in zip(heads, units[:2], units[2:], strict=True)
    )

  oracle.check_gradients(
    lambda *maps: lpips.distance(maps[:2], maps[2:], heads), expected, *maps
  )


def test_dists_and_its_gradient_are_those_of_the_equations():
  a, b = (np.abs(oracle.features(i, 2, 3, 4, 5)) for i in (1, 2))
  alpha, beta = np.abs(oracle.features(3, 2, 5))

  def expected(a, b):
    (m, n), (v, w) = ([getattr(x, f)((1, 2)) for x in (a, b)] for f in ("mean", "var"))
    covariance = (a * b).mean(axis=(1, 2)) - m * n
    texture = (2 * m * n + 1e-6) / (m**2 + n**2 + 1e-6)
    structure = (2 * covariance + 1e-6) / (v + w + 1e-6)
    return (alpha * (1 - texture) + beta * (1 - structure)).sum(axis=1)

  oracle.check_gradients(
    lambda a, b: dists.distance([a], [b], [(alpha, beta)]), expected, a, b
  )


def test_lpips_loss_of_the_golden_pair_is_that_of_the_lpips_code():
  loss = cxloss.LPIPSLoss((0, 255), reduction="none")
  pair = (np.float32(image[None]) for image in golden_pairs.pair("block_means"))
  expected = golden_pairs.SCORES["block_means"]["alex_lpips"]
  np.testing.assert_allclose(array(loss(*pair)), [expected], rtol=1e-3)


def test_texture_loss_does_not_see_places_within_a_region_but_sees_regions():
  target = _TARGET[:1, :8, :8]
  regions = target.reshape(1, 2, 4, 2, 4, 3)
  within = regions[:, :, ::-1].reshape(target.shape)
  across = regions[:, ::-1].reshape(target.shape)
  loss = cxloss.TextureLoss(_PATCHES, patch_size=4)
  assert np.abs(within - target).max() > 0.5
  assert float(loss(target, within)) < 1e-6 < 1e-2 < float(loss(target, across))


@_every
def test_batch_is_reduced_and_weighed_image_by_image(name, make):
  values = array(make[name](reduction="none")(_TARGET, _GENERATED))
  assert values.shape == (2,) and (values > 0).all()
  alone = [
    float(make[name]()(_TARGET[i : i + 1], _GENERATED[i : i + 1])) for i in (0, 1)
  ]
  np.testing.assert_allclose(values, alone, rtol=1e-4)
  weighed = make[name]()(_TARGET, _GENERATED, sample_weight=np.float32([3, 0]))
  np.testing.assert_allclose(array(weighed), 1.5 * values[0], rtol=1e-4)
  assert make[name](reduction="none")(_TARGET[:0], _GENERATED[:0]).shape == (0,)


@_every
def test_gradient_points_uphill_and_is_finite_for_flat_and_equal_images(name, make):
  loss, step = make[name](), 0.02
  value, gradient = value_and_gradients(lambda x: loss(_TARGET, x), _GENERATED)
  moved = _GENERATED - step * gradient / np.linalg.norm(gradient)
  fall = float(value) - float(loss(_TARGET, moved))
  assert fall == pytest.approx(step * np.linalg.norm(gradient), rel=0.2)
  black = np.zeros_like(_TARGET)
  for pair in ((_TARGET, black), (black, _TARGET), (black, black), (_TARGET, _TARGET)):
    value, gradient = value_and_gradients(
      lambda x, pair=pair: loss(pair[0], x), pair[1]
    )
    assert np.isfinite(value) and np.isfinite(gradient).all()
    if pair[0] is pair[1]:
      assert value == 0 and np.abs(gradient).max() < 1e-6


@_every
def test_nan_of_one_image_reaches_its_loss_alone(name, make):
  generated = _GENERATED.copy()
  generated[0, 5, 5, 0] = np.nan
  values = array(make[name](reduction="none")(_TARGET, generated))
  assert np.isnan(values[0]) and np.isfinite(values[1])


@_every
def test_keras_trains_saves_and_loads_with_the_loss_in_half_precision(
  name, make, tmp_path
):
  keras.utils.set_random_seed(1)
  image = keras.Input((36, 33, 3))
  x = keras.layers.Conv2D(3, 3, padding="same", dtype="mixed_bfloat16")(image)
  model = keras.Model(image, x)
  model.compile(keras.optimizers.Adam(1e-2), make[name](name="mine"))
  fit = {"batch_size": 2, "verbose": 0, "shuffle": False}
  history = model.fit(_TARGET, _TARGET, epochs=4, **fit).history["loss"]
  assert history[-1] < history[0]
  assert len(model.trainable_variables) == 2
  model.save(tmp_path / "model.keras")
  loaded = keras.models.load_model(tmp_path / "model.keras")
  assert loaded.loss.get_config() == model.loss.get_config()
  again, further = (m.fit(_TARGET, _TARGET, **fit).history for m in (loaded, model))
  np.testing.assert_allclose(again["loss"], further["loss"], rtol=1e-3)


@_every
def test_mistakes_are_named(name, make):
  loss = make[name]()
  for target, generated, message in (
    (_TARGET, _GENERATED[:1], r"same shape.*\(2, 36, 33, 3\).*\(1, 36, 33, 3\)"),
    (255 * _TARGET, _GENERATED, "`y_true`.*value_range"),
  ):
    with pytest.raises(ValueError, match=message):
      loss(target, generated)
  with pytest.raises(ValueError, match="`sample_weight`"):
    loss(_TARGET, _GENERATED, np.ones((2, 36, 33)))
  setting = {"perceptual": "error", "texture": "patch_size"}.get(name, "weights")
  with pytest.raises(AttributeError, match=f"`{setting}` cannot be changed"):
    setattr(loss, setting, 1)


@pytest.mark.parametrize(
  ("make", "message"),
  [
    (lambda: cxloss.PerceptualLoss(None), "`features`.*None"),
    (lambda: cxloss.PerceptualLoss(cxloss.PatchFeatures), "`features`.*an instance"),
    (lambda: cxloss.PerceptualLoss(_PATCHES, "l3"), "`error`.*'l3'"),
    (lambda: cxloss.TextureLoss(_PATCHES, 0), "`patch_size`.*=0"),
    (lambda: cxloss.LPIPSLoss((1, 0)), "value_range"),
    (lambda: cxloss.LPIPSLoss((0, 1), heads="a.npz"), "given together"),
  ],
)
def test_bad_settings_are_refused(make, message):
  with pytest.raises(ValueError, match=message):
    make()
