"""Tensors of another framework, which would lose their gradient in silence."""

_OWNERS = {"tensorflow": "tensorflow", "jaxlib": "jax", "jax": "jax", "torch": "torch"}


def refuse_strangers(values, backend):
  """Raises `TypeError` for a tensor of another framework than that of the backend."""
  owner = _OWNERS.get(type(values).__module__.split(".")[0], backend)
  if owner != backend:
    raise TypeError(
      f"Keras computes by {backend}. Received: a tensor of {owner}; set "
      f"KERAS_BACKEND={owner} before the first import of Keras, or pass NumPy arrays"
    )
