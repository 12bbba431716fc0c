"""The parts of the library that are PyTorch's own."""
