"""How near two computations of the same have to be on any processor."""

import numpy as np


def assert_close(ours, theirs, relative=1e-5):
    """Equal up to a share of the largest value: sums of float32 are rounded in another order elsewhere."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=relative, atol=relative * np.abs(theirs).max(initial=0))
