"""What all tests share: TensorFlow started once and quietly where a collected file needs it, a seeded generator."""

import re

import numpy as np
import pytest
from cli_fixtures import home, library, trained  # noqa: F401 (fixtures of the command line's tests)

NEEDS_TENSORFLOW = re.compile(
    r"^(?:import|from) (?:keras|tensorflow|textrnn\.(?:layers|models|training))\b", re.MULTILINE
)


def pytest_collectstart(collector):
    """Starts TensorFlow as the product does before a file that imports it is imported, be it tests or doctests."""
    if isinstance(collector, pytest.Module) and NEEDS_TENSORFLOW.search(collector.path.read_text(encoding="utf-8")):
        from textrnn.training.backend import start_tensorflow

        start_tensorflow()


@pytest.fixture
def rng():
    return np.random.default_rng(20)
