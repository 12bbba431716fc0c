import copy as copying

import keras
import numpy as np
import pytest

import cxloss
from cxloss import backend
from tests.cxloss import oracle

_TARGET = oracle.features(1, 3, 4, 6, 5)
_GENERATED = oracle.features(2, 3, 4, 6, 5)
_IMAGES = np.random.default_rng(3).uniform(-1, 1, (4, 12, 12, 3)).astype("float32")
_NOISY = np.random.default_rng(4).uniform(-1, 1, (4, 12, 12, 3)).astype("float32")


class _Scaled:
  """Features that are the input times a constant, with a weight each."""

  def __init__(self, weights=(1.0,)):
    self.weights = weights

  def __call__(self, images):
    return [(w, images[..., i:]) for i, w in enumerate(self.weights)]


def _vgg():
  return cxloss.VGGFeatures({"block1_conv1": 1.0}, "vgg16", "bundled")


def _own_network():
  return keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(4, 3)])


@pytest.mark.parametrize(
  "options",
  [{}, {"distance": "l2", "bandwidth": 0.5}, {"centering": "image"}],
  ids=["defaults", "l2", "image"],
)
def test_call_returns_the_function_per_sample(options):
  np.testing.assert_array_equal(
    cxloss.ContextualLoss(**options).call(_TARGET, _GENERATED),
    cxloss.contextual_loss(_TARGET, _GENERATED, **options),
  )


@pytest.mark.parametrize(
  "loss",
  [cxloss.ContextualLoss, cxloss.LowFrequencyLoss],
)
def test_samples_are_weighed_and_reduced(loss):
  maps = oracle.features(1, 3, 12, 14, 3), oracle.features(2, 3, 12, 14, 3)
  weights = np.float32([1.0, 0.0, 2.5])
  values = oracle.array(loss().call(*maps))
  for reduction, expected in (
    ("sum_over_batch_size", (values * weights).mean()),
    ("mean_with_sample_weight", (values * weights).sum() / weights.sum()),
    (None, values * weights),
  ):
    found = loss(reduction=reduction)(*maps, sample_weight=weights)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_layers_add_up_by_their_weights():
  images, noisy = backend.to_tensor(_IMAGES), backend.to_tensor(_NOISY)
  single = [
    oracle.array(cxloss.contextual_loss(images[..., i:], noisy[..., i:]))
    for i in (0, 1)
  ]
  both = cxloss.ContextualLoss(_Scaled((0.5, 3.0))).call(images, noisy)
  np.testing.assert_allclose(both, 0.5 * single[0] + 3 * single[1], rtol=1e-5)


def test_list_of_features_adds_up():
  parts = [cxloss.PatchFeatures(3, 2), _vgg()]
  total = cxloss.ContextualLoss(parts).call(_IMAGES, _NOISY)
  expected = sum(cxloss.ContextualLoss(p).call(_IMAGES, _NOISY) for p in parts)
  np.testing.assert_allclose(total, expected, rtol=1e-6)


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_symmetric_loss_is_the_mean_of_both_directions(weight):
  loss = cxloss.ContextualLoss(symmetric=True, spatial_weight=weight)
  maps = _TARGET, _GENERATED[:, 1:]
  forth, back = (
    cxloss.contextual_loss(*pair, spatial_weight=weight) for pair in (maps, maps[::-1])
  )
  np.testing.assert_allclose(loss.call(*maps), (forth + back) / 2, rtol=1e-6)
  np.testing.assert_allclose(loss.call(*maps[::-1]), (forth + back) / 2, rtol=1e-6)


def test_quarters_are_compared_with_the_same_quarter():
  # Odd sides: the middle row is left out. By image, each quarter stands alone.
  target, generated = oracle.features(1, 2, 7, 6, 5), oracle.features(2, 2, 7, 6, 5)
  quarters = [
    (slice(None), rows, columns)
    for rows in (slice(0, 3), slice(4, 7))
    for columns in (slice(0, 3), slice(3, 6))
  ]
  maps = target, generated
  for centering in ("image", "batch"):
    loss = cxloss.ContextualLoss(crop_quarters=True, centering=centering)
    y, x = (
      np.concatenate([v[q].reshape(2, 9, 5) for q in quarters])
      for v in (target, generated)
    )
    expected = oracle.loss(y, x, centering=centering).reshape(4, 2).mean(axis=0)
    np.testing.assert_allclose(loss.call(*maps), expected, rtol=1e-5)


_CONFIGURATIONS = {
  "defaults": {},
  "all options": {
    "features": cxloss.PatchFeatures(3, 2),
    "bandwidth": 0.3,
    "distance": "l2",
    "centering": "image",
    "max_points": None if oracle.BACKEND == "jax" else 9,
    "symmetric": True,
    "spatial_weight": 2.0,
    "crop_quarters": True,
    "seed": 4,
    "reduction": "sum",
    "name": "cx",
    "dtype": "float16",
  },
  "list": {"features": [cxloss.PatchFeatures(3), cxloss.PatchFeatures(5, 3)]},
  "vgg": {"features": cxloss.VGGFeatures("block1_conv1", "vgg16", "bundled")},
}


@pytest.mark.parametrize("name", _CONFIGURATIONS)
def test_loss_survives_its_configuration(name):
  features = {} if "features" in _CONFIGURATIONS[name] else {"features": None}
  loss = cxloss.ContextualLoss(**_CONFIGURATIONS[name], **features)
  serialised = keras.saving.serialize_keras_object(loss)
  images = (_TARGET, _GENERATED) if features else (_IMAGES, _NOISY)
  expected = loss(*images)
  for copy in (
    cxloss.ContextualLoss.from_config(loss.get_config()),
    keras.saving.deserialize_keras_object(serialised),
    # Files are loaded wherever the class has moved since.
    keras.saving.deserialize_keras_object({**serialised, "module": "cxloss.old"}),
    keras.losses.get(serialised),
  ):
    assert copy.get_config() == loss.get_config()
    assert copy.dtype == loss.dtype
    np.testing.assert_array_equal(copy(*images), expected)


@pytest.mark.parametrize(
  ("loss", "options", "message"),
  [
    (cxloss.ContextualLoss, {"distance": "l1"}, "`distance`.*'l1'"),
    (cxloss.ContextualLoss, {"max_points": 0}, "`max_points`.*=0"),
    (cxloss.ContextualLoss, {"max_points": 2.5}, r"`max_points`.*=2\.5"),
    (cxloss.ContextualLoss, {"features": "vgg19"}, "`features`.*'vgg19'"),
    (cxloss.ContextualLoss, {"features": []}, r"`features`.*\[\]"),
    (cxloss.ContextualLoss, {"features": cxloss.PatchFeatures}, "`features`.*instance"),
    (cxloss.ContextualLoss, {"max_points": True}, "`max_points`.*=True"),
    (cxloss.LowFrequencyLoss, {"kernel_size": 4}, "`kernel_size`.*=4"),
    (cxloss.LowFrequencyLoss, {"sigma": -1.0}, r"`sigma`.*=-1\.0"),
  ],
)
def test_error_names_the_argument_and_what_was_received(loss, options, message):
  with pytest.raises(ValueError, match=f"(?s){message}"):
    loss(**options)


@pytest.mark.parametrize(
  "loss", [cxloss.ContextualLoss(), cxloss.LowFrequencyLoss(3)], ids=["cx", "low"]
)
def test_weights_of_pixels_are_refused_and_of_images_taken(loss):
  with pytest.raises(ValueError, match=r"`sample_weight`.*masked.*\(3, 4, 6\)"):
    loss(_TARGET, _GENERATED, sample_weight=np.ones((3, 4, 6)))
  for weights in ([1.0, 2.0], [[1.0, 2.0]] * 3):
    with pytest.raises(ValueError, match=r"`sample_weight`.*2,?\) for 3 images"):
      loss(_TARGET, _GENERATED, sample_weight=weights)
  weights = np.float32([1, 0, 2])
  assert loss(_TARGET, _GENERATED, weights) == loss(
    _TARGET, _GENERATED, weights[:, None]
  )


@pytest.mark.parametrize("name", ["bandwidth", "features", "max_points", "seed"])
def test_settings_cannot_be_changed(name):
  loss = cxloss.ContextualLoss()
  with pytest.raises(AttributeError, match=f"`{name}`.*new ContextualLoss"):
    setattr(loss, name, 1)
  assert getattr(copying.deepcopy(loss), name) == getattr(loss, name)


def test_target_is_checked_for_its_range_and_what_is_generated_is_not():
  loss = cxloss.ContextualLoss(_vgg())
  loss(_IMAGES, 3 * _NOISY)
  with pytest.raises(ValueError, match=r"`y_true`.*value_range"):
    loss(128 + 100 * _IMAGES, _NOISY)


@pytest.mark.parametrize(
  "loss",
  [
    cxloss.ContextualLoss(cxloss.PatchFeatures(3)),
    cxloss.ContextualLoss(cxloss.PatchFeatures(3), crop_quarters=True),
    cxloss.ContextualLoss(_vgg()),
    cxloss.ContextualLoss(_own_network()),
    cxloss.LowFrequencyLoss(3),
  ],
  ids=["patches", "quarters", "vgg", "own network", "low frequency"],
)
def test_empty_batch_has_an_empty_loss(loss):
  images = np.zeros((0, 12, 12, 3), "float32")
  value, gradient = oracle.value_and_gradients(lambda x: loss.call(images, x), images)
  assert value.shape == (0,)
  assert gradient.shape == images.shape


def test_quarters_need_maps_of_at_least_two_by_two():
  with pytest.raises(ValueError, match=r"(?s)sides of at least 2.*\(3, 1, 6, 5\)"):
    cxloss.ContextualLoss(crop_quarters=True)(_TARGET[:, :1], _GENERATED[:, :1])


def test_batch_against_one_image_is_refused():
  images = oracle.features(1, 8, 6, 6, 3)
  for features in (None, cxloss.PatchFeatures(3)):
    with pytest.raises(ValueError, match=r"`y_true`.*batch.*\(8, 6.*\(1, 6"):
      cxloss.ContextualLoss(features)(images, images[:1])


def test_what_features_return_must_be_a_list_of_pairs():
  for features in (lambda images: images, lambda images: [images]):
    with pytest.raises(ValueError, match=r"`features` must return.*\(weight"):
      cxloss.ContextualLoss(features)(_TARGET, _GENERATED)


@pytest.mark.parametrize(
  "policy", ["float32", pytest.param("mixed_bfloat16", marks=pytest.mark.slow)]
)
def test_keras_trains_saves_and_loads_with_the_losses(policy, tmp_path):
  keras.utils.set_random_seed(1)
  image = keras.Input((12, 12, 3))
  x = keras.layers.Conv2D(3, 3, padding="same", dtype=policy)(image)
  model = keras.Model(image, x)

  model.compile(
    keras.optimizers.Adam(1e-2),
    cxloss.ContextualLoss(
      [
        cxloss.PatchFeatures(3, 2),
        cxloss.VGGFeatures("block1_conv1", "vgg16", "bundled", dtype=policy),
      ],
      spatial_weight=0.1,
    ),
    metrics=[cxloss.LowFrequencyLoss(5)],
  )
  fit = {"batch_size": 2, "verbose": 0, "shuffle": False}
  history = model.fit(_IMAGES, _IMAGES, epochs=8, **fit).history["loss"]
  assert history[-1] < 0.95 * history[0]
  assert len(model.trainable_variables) == 2
  model.save(tmp_path / "model.keras")
  loaded = keras.models.load_model(tmp_path / "model.keras")
  assert loaded.loss.get_config() == model.loss.get_config()
  again, further = (m.fit(_IMAGES, _IMAGES, **fit).history for m in (loaded, model))
  np.testing.assert_allclose(again["loss"], further["loss"], rtol=1e-3)
