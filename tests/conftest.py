"""What all tests share: TensorFlow started once and quietly where a collected file needs it, a seeded generator."""

import gc
import os
import re
from collections import Counter

import numpy as np
import pytest
from cli_fixtures import begun, checkout, home, library, trained  # noqa: F401 (fixtures of the command line's tests)

NEEDS_TENSORFLOW = re.compile(
    r"^(?:import|from) (?:keras|tensorflow|textrnn\.(?:nn\.keras|training|\w+\.(?:network|step|fit)))\b", re.MULTILINE
)


def pytest_ignore_collect(collection_path, config):
    """What runs in a browser is run by `make test-browser` alone, which names the file and installs what it needs."""
    named = any(argument.endswith("browser.py") for argument in config.args)
    return True if collection_path.name == "browser.py" and not named else None


def pytest_collectstart(collector):
    """Starts TensorFlow as the product does before a file that imports it is imported, be it tests or doctests."""
    if isinstance(collector, pytest.Module) and NEEDS_TENSORFLOW.search(collector.path.read_text(encoding="utf-8")):
        from textrnn.training.backend import start_tensorflow

        start_tensorflow()


def pytest_collection_modifyitems(items):
    """Files with many slow tests come first: short ones are left for the end, so that two processes end together."""
    num_slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -num_slow[item.path])


@pytest.fixture(autouse=True, scope="session")
def disk_is_not_waited_for():
    """What is saved is not forced onto the disk, which takes longer than to train; test_run.py sees that it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        yield


@pytest.fixture(autouse=True, scope="module")
def graphs_are_let_go():
    """The graphs of a file's networks refer to each other in circles: gigabytes, if nobody collects them."""
    gc.freeze()
    yield
    gc.collect()


@pytest.fixture
def rng():
    return np.random.default_rng(20)
