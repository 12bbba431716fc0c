"""Types of arguments and results."""

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

# A `tf.Tensor`, `jax.Array` or `torch.Tensor`, as Keras' backend has them.
Tensor: TypeAlias = Any
# Tensors, variables, NumPy arrays and numbers.
TensorLike: TypeAlias = Any

# Feature sets of images, each with its weight in a loss.
WeightedFeatures: TypeAlias = list[tuple[float, Tensor]]
FeatureFunction: TypeAlias = Callable[[Tensor], WeightedFeatures]

Config: TypeAlias = dict[str, Any]
Distance: TypeAlias = Literal["cosine", "l2"]
Centering: TypeAlias = Literal["batch", "image"]
