"""How a mask is worn: where its edges lie on a face, the mesh between them, its picture warped onto it, its straps."""
