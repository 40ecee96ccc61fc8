"""How close numbers have to be that the same equations give in another order, or on another processor."""

import numpy as np


def assert_close(found, expected, tolerance=1e-5):
    """All numbers agree, relative to the largest of them.

    Each float32 product or sum is off by about 1e-7 of its largest term, and a dozen steps by 1e-6. The default leaves
    room for ten times as much on another processor; a wrong term is off by far more.
    """
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * max(np.abs(expected).max(), 1e-30))
