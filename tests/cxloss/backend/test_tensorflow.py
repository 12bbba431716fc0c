"""What TensorFlow adds: graphs, XLA, unknown shapes, tapes."""

import numpy as np
import pytest
import tensorflow as tf

import cxloss
from cxloss import contextual
from tests.cxloss import oracle

_TARGET, _GENERATED = oracle.features(1, 3, 4, 6, 5), oracle.features(2, 3, 4, 6, 5)
_IMAGES, _NOISY = (
  np.random.default_rng(seed).uniform(-1, 1, (4, 12, 12, 3)).astype("float32")
  for seed in (3, 4)
)


def _graph(function, *shapes, **options):
  spec = [tf.TensorSpec(shape) for shape in shapes]
  return tf.function(function, input_signature=spec, **options)


@oracle.every_setting
@pytest.mark.parametrize("weight", [0.0, 1.5])
def test_every_way_to_run_gives_the_same_loss_and_gradients(
  weight, distance, centering
):
  def run(target, generated):
    return oracle.value_and_gradients(
      lambda *maps: cxloss.contextual_loss(*maps, 0.3, distance, centering, weight),
      target,
      generated,
    )

  maps = _TARGET, _GENERATED[:, :3]
  expected = run(*maps)
  ways = {
    "graph": tf.function(run),
    "unknown shapes": _graph(run, [None] * 4, [None] * 4),
    "XLA": tf.function(run, jit_compile=True),
  }
  for way, function in ways.items():
    for a, e in zip(function(*maps), expected, strict=True):
      assert oracle.relative_error(a, e) < 1e-5, way


def test_graph_without_gradient_gives_the_same_loss():
  target, generated = oracle.flat(_TARGET), oracle.flat(_GENERATED[:, :3])
  expected = oracle.loss(target, generated)
  for jit_compile in (False, True):
    function = tf.function(cxloss.contextual_loss, jit_compile=jit_compile)
    np.testing.assert_allclose(function(target, generated), expected, rtol=1e-5)


def test_positions_of_each_image_are_taken_in_graphs_of_unknown_batch_size():
  sets = oracle.flat(_TARGET), oracle.flat(_GENERATED)
  places = [oracle.features(i, 3, 24, 2) for i in (5, 6)]
  settings = (0.3, "cosine", "batch", 2.0, *places)
  graph = _graph(
    lambda t, g: cxloss.contextual_loss(t, g, *settings), *[[None, 24, 5]] * 2
  )
  expected = cxloss.contextual_loss(*sets, *settings)
  np.testing.assert_allclose(graph(*sets), expected, rtol=1e-5)
  with pytest.raises(tf.errors.InvalidArgumentError):
    graph(*(np.repeat(v, 2, axis=0) for v in sets))


def test_share_of_unique_matches_is_the_same_in_graphs_for_sets_of_any_size():
  compiled = tf.function(cxloss.unique_match_share, jit_compile=True)
  for height in (3, 2, 4):
    sets = _TARGET, _GENERATED[:, :height]
    share = cxloss.unique_match_share(*sets).numpy()
    np.testing.assert_allclose(compiled(*sets), share, rtol=1e-6)
    assert np.all((1 / (6 * height) <= share) & (share < 1))


def test_loss_of_perfect_matches_is_not_minus_zero(monkeypatch):
  ones = lambda x, y, *_: (tf.ones(y.shape[:2]), tf.zeros(y.shape[:2]))  # noqa: E731
  monkeypatch.setattr(contextual.backend, "largest_affinities", ones)
  features = oracle.features(1, 2, 9, 3)
  for loss in (cxloss.contextual_loss, tf.function(cxloss.contextual_loss)):
    value = loss(features, features).numpy()
    np.testing.assert_array_equal(value, [0.0, 0.0])
    assert not np.signbit(value).any()


def test_forward_mode_is_refused():
  generated = tf.constant(_GENERATED)
  with (
    pytest.raises(NotImplementedError, match="forward mode"),
    tf.autodiff.ForwardAccumulator(generated, tf.ones_like(generated)),
  ):
    cxloss.contextual_loss(_TARGET, generated)


@pytest.mark.parametrize("mode", ["eager", "graph", "XLA"])
def test_second_derivative_is_refused(mode):
  def product(x):
    with tf.GradientTape() as outer:
      outer.watch(x)
      with tf.GradientTape() as inner:
        inner.watch(x)
        loss = tf.reduce_sum(cxloss.contextual_loss(_TARGET, x, 0.5))
      slope = tf.reduce_sum(inner.gradient(loss, x) ** 2)
    return outer.gradient(slope, x)

  if mode != "eager":
    product = tf.function(product, jit_compile=mode == "XLA")
  with pytest.raises(NotImplementedError, match="second derivative"):
    product(tf.constant(_GENERATED))


_PATCHES = cxloss.PatchFeatures(3, 2)


@pytest.mark.parametrize(
  "loss",
  [
    cxloss.ContextualLoss(_PATCHES),
    cxloss.ContextualLoss(_PATCHES, crop_quarters=True, max_points=9),
    cxloss.ContextualLoss(cxloss.VGGFeatures("block1_conv1", "vgg16", "bundled")),
    cxloss.LowFrequencyLoss(3),
  ],
  ids=["patches", "quarters", "vgg", "low frequency"],
)
def test_batch_that_turns_out_empty_has_an_empty_loss(loss):
  value, gradient = oracle.value_and_gradients(
    lambda x: _graph(loss.call, *[[None, 12, 12, 3]] * 2)(tf.zeros_like(x), x),
    tf.zeros((0, 12, 12, 3)),
  )
  assert value.shape == (0,)
  assert gradient.shape == (0, 12, 12, 3)


def test_max_points_draws_anew_in_a_graph_of_unknown_shapes():
  loss = cxloss.ContextualLoss(max_points=10, seed=1)
  graph = _graph(loss, *[[None] * 3] * 2)
  target, generated = oracle.flat(_TARGET), oracle.flat(_GENERATED)
  first, second = graph(target, generated), graph(target, generated)
  assert first != second
  again = cxloss.ContextualLoss(max_points=10, seed=1)
  np.testing.assert_allclose(again(target, generated), first, rtol=1e-5)


def test_blur_and_features_are_the_same_in_graphs_of_unknown_shapes():
  vgg = cxloss.VGGFeatures(["block1_conv2", "block2_conv1"], "vgg16", "bundled")
  for function in (
    lambda x: cxloss.gaussian_blur(x, 9),
    lambda x: [maps for _, maps in vgg(x)],
  ):
    graph = _graph(function, [None, None, None, 3])
    for a, b in zip(graph(_IMAGES), function(_IMAGES), strict=True):
      np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


def _vgg(layer):
  return cxloss.VGGFeatures(layer, "vgg16", "bundled")


_SETS = [None, None, None]
_MAPS = [None] * 4
_RGB = [None, None, None, 3]
_THIN = np.zeros((1, 4, 9, 3), "float32")


@pytest.mark.parametrize(
  ("function", "shape", "inputs", "message"),
  [
    (cxloss.contextual_loss, _SETS, (_THIN[0], _THIN[0][:, :0]), "`generated`.*empty"),
    (cxloss.contextual_loss, _SETS, (_THIN[0], _THIN[0][:2]), "same batch size"),
    (cxloss.contextual_loss, _SETS, (_THIN[0], _THIN[0][..., :2]), "same number of ch"),
    (
      cxloss.ContextualLoss(crop_quarters=True),
      [None, None, None, 5],
      (_TARGET[:, :1], _GENERATED[:, :1]),
      "at least 2",
    ),
    (cxloss.LowFrequencyLoss(3), _RGB, (_IMAGES, _IMAGES[:, :, :1]), "same shape"),
    (cxloss.gaussian_blur, _MAPS, (_IMAGES[:, :9],), "`images`.*at least 10"),
    (_PATCHES, _RGB, (_THIN[:, :2],), "at least 3"),
    (_vgg("block3_conv1"), _RGB, (_THIN[:, :3],), "`images`.*at least 4"),
    (
      cxloss.ContextualLoss(_vgg("block1_conv1")),
      _RGB,
      (128 + 100 * _IMAGES, _NOISY),
      "`y_true`.*value_range",
    ),
  ],
)
def test_graph_names_what_does_not_fit_when_it_runs(function, shape, inputs, message):
  graph = _graph(function, *[shape] * len(inputs))
  with pytest.raises(tf.errors.InvalidArgumentError, match=message):
    graph(*inputs)


@pytest.mark.parametrize(
  ("function", "names"),
  [
    (cxloss.contextual_loss, ("target", "generated")),
    (cxloss.ContextualLoss(_PATCHES), ("y_true", "y_pred")),
    (cxloss.LowFrequencyLoss(3), ("y_true", "y_pred")),
    (cxloss.gaussian_blur, ("images",)),
    (_PATCHES, ("images",)),
    (_vgg("block1_conv1"), ("images",)),
  ],
)
def test_tensor_of_unknown_rank_is_named(function, names):
  for name in names:
    shapes = [None if name == other else _RGB for other in names]
    with pytest.raises(ValueError, match=f"`{name}` must have a known number of dim"):
      _graph(function, *shapes).get_concrete_function()


def test_tensor_of_another_framework_is_refused():
  class Foreign(np.ndarray):
    pass

  Foreign.__module__ = "torch"
  for function in (cxloss.contextual_loss, cxloss.ContextualLoss()):
    with pytest.raises(TypeError, match="KERAS_BACKEND=torch"):
      function(_TARGET, _GENERATED.view(Foreign))
