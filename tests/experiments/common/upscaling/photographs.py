"""Photographs to test with."""


class Photographs(list):
  """A source of arrays, named a, b, c and so on."""

  def __init__(self, pictures):
    super().__init__(pictures)
    self.names = [chr(ord("a") + i) for i in range(len(self))]
