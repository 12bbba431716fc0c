"""An image whose pixels are optimised themselves, without a network."""

import keras


class FreeImage(keras.Model):
  """A model without input: its weights are the pixels, its output the image.

  Pixels are brought back to [0, 1] after every step. Train it on batches
  `(anything, target)`, targets `(1, H, W, C)` in [0, 1].

  Args:
    start: `(H, W, C)` in [0, 1], the image to start from.
  """

  def __init__(self, start, **kwargs):
    super().__init__(**kwargs)
    self.pixels = self.add_weight(
      start.shape,
      initializer=lambda shape, dtype=None: keras.ops.convert_to_tensor(start, dtype),
      constraint=lambda pixels: keras.ops.clip(pixels, 0.0, 1.0),
      name="pixels",
    )
    self.built = True

  def compile(self, optimizer, loss, **kwargs):
    """As of `keras.Model`; the optimizer is ready to be restored afterwards."""
    super().compile(optimizer=optimizer, loss=loss, **kwargs)
    self.optimizer.build(self.trainable_variables)

  def call(self, _, training=False):
    return keras.ops.expand_dims(self.pixels, 0)

  def image(self):
    """uint8 `(H, W, C)`."""
    pixels = keras.ops.convert_to_numpy(self.pixels)
    return (255.0 * pixels + 0.5).astype("uint8")
