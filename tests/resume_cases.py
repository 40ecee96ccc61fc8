"""Training that is stopped and resumed, as several tests do it."""

import contextlib
import itertools
from pathlib import Path

import pytest
from cli_fixtures import TINY, good
from tensorflow.python.framework.config import disable_op_determinism  # which TensorFlow does not export

from textrnn.base.files import MODEL_FILE
from textrnn.training import session

EXACT = (*TINY, "--deterministic", "--dropout", "0.3", "--no-samples", "-q", "--json")


@pytest.fixture(autouse=True)
def not_deterministic_for_ever():
    yield
    disable_op_determinism()


def train(*arguments):
    return good("train", *arguments, "--no-samples", "-q", "--json").json


def model_of(name):
    return (Path("models") / name / MODEL_FILE).read_bytes()


def interrupt_after(monkeypatch, steps):
    """Asks training to stop after some steps of its session."""

    @contextlib.contextmanager
    def interrupts(on_first):
        counted = itertools.count()
        yield lambda: next(counted) >= steps

    monkeypatch.setattr(session, "polite_interrupts", interrupts)
