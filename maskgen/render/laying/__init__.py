"""How a layer is laid over a photo: its light, its shadow, its noise, the tone curve they are mixed on."""
