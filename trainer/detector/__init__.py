"""The one-stage detector: scenes in, a network that finds faces and says what they wear out."""
