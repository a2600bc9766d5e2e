"""What people with and without a mask wear alike.

One module a kind, with an ``OCCLUDER``; the registry finds it by its file. ``docs/confusers.md`` shows them.
"""
