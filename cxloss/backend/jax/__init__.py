"""The parts of the library that are JAX's own."""
