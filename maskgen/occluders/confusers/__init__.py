"""What covers a face and is no mask; under the label ``without_mask``.

One module a kind, with an ``OCCLUDER``; the registry finds it by its file. ``docs/confusers.md`` shows them.

Cloth over the nose is rare on purpose: it looks like a mask of cloth, and at a third of all confusers it cost 2.8
points of balanced accuracy on real masks (``benchmarks/sim2real.py``, frozen features).
"""
