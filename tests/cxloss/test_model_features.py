import json

import keras
import numpy as np
import pytest

import cxloss
from tests.cxloss import oracle

_IMAGES = np.random.default_rng(1).uniform(-1, 1, (2, 16, 20, 3)).astype("float32")


def _own_model(outputs=1, dtype="float32"):
  image = keras.Input((None, None, 3))
  maps = [image]
  for _ in range(outputs):
    x = keras.layers.Conv2D(4, 3, activation="relu", dtype=dtype)(maps[-1])
    maps.append(keras.layers.BatchNormalization(dtype=dtype)(x))
  return keras.Model(image, maps[1:] if outputs > 1 else maps[1])


@pytest.mark.parametrize(
  ("outputs", "dtype"), [(1, "float32"), (2, "float32"), (2, "bfloat16")]
)
def test_keras_model_serves_as_features_and_survives_serialisation(outputs, dtype):
  model = _own_model(outputs, dtype)
  features = cxloss.ModelFeatures(model)
  maps = model(_IMAGES, training=False)
  maps = maps if outputs > 1 else [maps]
  for (weight, found), expected in zip(features(_IMAGES), maps, strict=True):
    assert weight == 1.0
    np.testing.assert_array_equal(*map(oracle.array, (found, expected)))
  config = json.loads(json.dumps(keras.saving.serialize_keras_object(features)))
  restored = keras.saving.deserialize_keras_object(config)
  for (_, a), (_, b) in zip(restored(_IMAGES), features(_IMAGES), strict=True):
    np.testing.assert_array_equal(*map(oracle.array, (a, b)))


def test_model_of_a_file_is_stored_by_its_path(tmp_path):
  model = _own_model(2)
  model.save(tmp_path / "own.keras")
  features = cxloss.ModelFeatures(tmp_path / "own.keras", weights=[0.0, 2.0])
  config = features.get_config()
  assert config == {"model": str(tmp_path / "own.keras"), "weights": [0.0, 2.0]}
  [(weight, maps)] = cxloss.ModelFeatures.from_config(config)(_IMAGES)
  assert weight == 2.0
  expected = oracle.array(model(_IMAGES)[1])
  np.testing.assert_allclose(oracle.array(maps), expected, rtol=1e-6)


def test_outputs_of_a_model_by_name_come_in_order():
  image = keras.Input((None, None, 3))
  outputs = {"b": image, "a": keras.layers.Rescaling(2.0)(image)}
  maps = cxloss.ModelFeatures(keras.Model(image, outputs), [1, 3])(_IMAGES)
  assert [weight for weight, _ in maps] == [1.0, 3.0]
  np.testing.assert_array_equal(maps[0][1], 2 * _IMAGES)


@pytest.mark.parametrize(
  "weights", [[1.0], [0, 0], [1, -1], [np.nan, 1], ["a", 1], 2.0, "ab"]
)
def test_weights_of_a_model_must_fit_its_outputs(weights):
  with pytest.raises(ValueError, match="`weights`"):
    cxloss.ModelFeatures(_own_model(2), weights)(_IMAGES)


@pytest.mark.parametrize("model", [None, 3, "none.keras", "none.h5"])
def test_what_is_no_model_is_named(model):
  with pytest.raises(ValueError, match="`model`"):
    cxloss.ModelFeatures(model)
