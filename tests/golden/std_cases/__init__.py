"""Reference cases for the standard library, one module a family of losses.

Each module has a function `add(book)` that puts its cases into a `common.Book`.
"""

from . import boxes, catalogue, classes, ignored, images, later, overlap, regression, reports, sigmoid, vectors

FAMILIES = (overlap, classes, sigmoid, regression, boxes, vectors, images, ignored, reports, catalogue, later)
