import json

import keras
import numpy as np
import pytest
import skimage.data
from keras import ops

import cxloss
from cxloss import backbones, backend
from cxloss.checks import dtype_of
from tests.cxloss import oracle

_IMAGES = np.random.default_rng(1).uniform(-1, 1, (2, 16, 20, 3)).astype("float32")
_FRONT = ["block1_conv2", "block2_conv1"]


@pytest.fixture(scope="module")
def bundled():
  return cxloss.VGGFeatures(_FRONT, "vgg16", "bundled")


def test_layers_come_in_order_with_their_weights():
  features = cxloss.VGGFeatures(
    {"block2_conv1": 0.5, "block1_conv1": 2, "block1_conv2": 0}, "vgg16", None
  )
  maps = features(_IMAGES)
  assert [weight for weight, _ in maps] == [0.5, 2.0]
  assert [tuple(m.shape) for _, m in maps] == [(2, 8, 10, 128), (2, 16, 20, 64)]


def test_value_range_is_converted_once(bundled):
  integers = cxloss.VGGFeatures(_FRONT, "vgg16", "bundled", (0, 255))
  converted = integers((_IMAGES + 1) * 127.5)
  for (_, a), (_, b) in zip(converted, bundled(_IMAGES), strict=True):
    assert oracle.relative_error(a, b) < 1e-5


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_every_float_type_gives_float32_features(bundled, dtype):
  images = ops.cast(_IMAGES, dtype)
  for (_, a), (_, b) in zip(
    bundled(images), bundled(ops.cast(images, "float32")), strict=True
  ):
    assert dtype_of(a) == "float32"
    np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def test_mixed_precision_policy_leaves_the_network_in_float32(bundled):
  keras.config.set_dtype_policy("mixed_float16")
  try:
    mixed = cxloss.VGGFeatures(_FRONT, "vgg16", "bundled")
    maps = mixed(_IMAGES)
  finally:
    keras.config.set_dtype_policy("float32")
  for (_, a), (_, b) in zip(maps, bundled(_IMAGES), strict=True):
    assert dtype_of(a) == "float32"
    np.testing.assert_array_equal(a, b)


def test_images_out_of_range_are_found(bundled):
  bundled(1.3 * _IMAGES)  # may be the output of a network
  tolerated = 1.19 * np.sign(_IMAGES)
  bundled.check_range(backend.to_tensor(tolerated))
  outside = backend.to_tensor(np.float32(1.3 * np.sign(_IMAGES)))
  with pytest.raises(ValueError, match=r"`x`.*\(-1\.0, 1\.0\).*-1\.3 to 1\.3"):
    bundled.check_range(outside, "x")


def test_default_layer_is_one_that_the_architecture_has():
  features = cxloss.VGGFeatures(architecture="vgg16", weights="bundled")
  assert features.layers == {"block3_conv3": 1.0}
  assert cxloss.VGGFeatures(weights=None).layers == {"block3_conv4": 1.0}


@pytest.mark.parametrize(
  ("make", "layer", "least"),
  [
    (cxloss.AlexNetFeatures, "conv1", 7),
    (cxloss.AlexNetFeatures, "conv5", 31),
    (cxloss.SqueezeNetFeatures, "conv1", 3),
    (cxloss.SqueezeNetFeatures, "fire9", 17),
    (cxloss.VGGFeatures, "block5_conv4", 16),
  ],
)
def test_smallest_image_of_a_layer_is_accepted_and_smaller_ones_are_not(
  make, layer, least
):
  features = make([layer], weights=None)
  [(_, maps)] = features(np.zeros((1, least, least + 1, 3), "float32"))
  assert 0 not in maps.shape
  with pytest.raises(ValueError, match=rf"`images`.*at least {least}.*{layer}"):
    features(np.zeros((1, least - 1, 99, 3), "float32"))


def test_networks_do_not_depend_on_the_global_data_format(bundled):
  keras.config.set_image_data_format("channels_first")
  try:
    first = cxloss.VGGFeatures(_FRONT, "vgg16", "bundled")
  finally:
    keras.config.set_image_data_format("channels_last")
  np.testing.assert_array_equal(first(_IMAGES)[0][1], bundled(_IMAGES)[0][1])


def test_path_of_weights_holds_from_any_folder(tmp_path, monkeypatch):
  (tmp_path / "w.npz").write_bytes(backbones._BUNDLED.read_bytes())
  monkeypatch.chdir(tmp_path)
  config = cxloss.VGGFeatures(["block1_conv1"], "vgg16", "w.npz").get_config()
  monkeypatch.chdir("/")
  assert cxloss.VGGFeatures.from_config(config).get_config() == config


def test_gradient_reaches_the_images_but_no_weight(bundled):
  _, gradient = oracle.value_and_gradients(
    lambda x: sum(ops.sum(m) for _, m in bundled(x)), _IMAGES
  )
  assert np.any(gradient)
  assert bundled._model.trainable_variables == []
  assert len(bundled._model.non_trainable_variables) == 6


@pytest.mark.parametrize("shape", [(1, 8, 8, 1), (8, 8, 3), (1, 8, 8, 4)])
def test_images_must_be_rgb(bundled, shape):
  with pytest.raises(ValueError, match=r"`images` must be RGB.*Received"):
    bundled(np.zeros(shape, "float32"))


@pytest.mark.parametrize(
  ("options", "message"),
  [
    ({"layers": {"block1_conv1": -1.0}}, r"`layers`.*>= 0.*-1\.0"),
    ({"value_range": (1, -1)}, r"`value_range`.*\(1, -1\)"),
    ({"value_range": 255}, "`value_range`.*two.*=255"),
    ({"value_range": (0, np.inf)}, "`value_range`.*finite.*inf"),
    ({"layers": {"block1_conv1": 0.0}}, "`layers`.*not all"),
    ({"layers": {"block1_conv1": np.nan}}, "`layers`.*finite.*nan"),
    ({"layers": 3}, "`layers`.*list of names.*=3"),
    ({"layers": []}, "`layers`.*not all"),
    ({"weights": 3}, "`weights`.*path.*=3"),
    ({"dtype": "bfloat16"}, "`dtype`.*mixed_bfloat16.*'bfloat16'"),
    ({"dtype": None}, "`dtype`.*float32.*None"),
  ],
)
def test_vgg_error_names_the_argument(options, message):
  with pytest.raises(ValueError, match=message):
    cxloss.VGGFeatures(**{"layers": ["block1_conv1"], "weights": None, **options})


@pytest.mark.parametrize(
  "features",
  [
    cxloss.PatchFeatures(3, 4),
    cxloss.VGGFeatures("block1_conv1", "vgg16", "bundled", (0, 1), "avg"),
  ],
  ids=["patches", "vgg"],
)
def test_features_survive_serialisation(features):
  config = keras.saving.serialize_keras_object(features)
  restored = keras.saving.deserialize_keras_object(config)
  assert type(restored) is type(features)
  assert restored.get_config() == features.get_config()
  images = (_IMAGES + 1) / 2
  np.testing.assert_array_equal(restored(images)[0][1], features(images)[0][1])


def _block3(dtype):
  return cxloss.VGGFeatures("block3_conv3", "vgg16", "bundled", dtype=dtype)


@pytest.mark.parametrize(
  # Roundings of 2^-9 and 2^-12, through seven layers.
  ("dtype", "tolerance"),
  [("mixed_bfloat16", 2e-2), ("mixed_float16", 3e-3)],
)
def test_half_precision_network_gives_nearly_the_float32_features(dtype, tolerance):
  features = _block3(dtype)
  [(_, maps)], [(_, expected)] = features(_IMAGES), _block3("float32")(_IMAGES)
  assert dtype_of(maps) == "float32"
  error = oracle.array(maps - expected)
  error = np.linalg.norm(error) / np.linalg.norm(oracle.array(expected))
  assert 1e-5 < error < tolerance
  config = json.loads(json.dumps(keras.saving.serialize_keras_object(features)))
  assert config["config"]["dtype"] == dtype
  [(_, restored)] = keras.saving.deserialize_keras_object(config)(_IMAGES)
  np.testing.assert_array_equal(restored, maps)


def test_bfloat16_network_gives_nearly_the_float32_gradient_of_the_loss():
  # A photograph stands for targets; what is generated is a blurred one with noise.
  target = np.float32(skimage.data.chelsea()[None, 100:164, 120:184] / 127.5 - 1)
  noise = 0.05 * oracle.features(1, *target.shape)
  generated = oracle.array(cxloss.gaussian_blur(target, 5, 1.0)) + noise

  def gradient(dtype):
    loss = cxloss.ContextualLoss(_block3(dtype))
    _, found = oracle.value_and_gradients(lambda x: loss.call(target, x), generated)
    return found.ravel()

  a, b = gradient("float32"), gradient("mixed_bfloat16")
  cosine = a @ b / (np.linalg.norm(a) * np.linalg.norm(b))
  assert 0.98 < cosine < 1
