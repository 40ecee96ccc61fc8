"""What the report says of models beside the measures."""

import pytest

from textrnn.classifier.evaluation import _raw_log_loss
from textrnn.report.calibration import apply_temperature, softmax
from textrnn.report.metrics import log_loss


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_raw_log_loss_is_that_of_the_logits_before_calibration(temperature, rng):
    logits, labels = rng.normal(0, 2, (50, 3)), rng.integers(0, 3, 50)
    calibrated = apply_temperature(logits, temperature)
    assert _raw_log_loss(labels, calibrated, temperature) == pytest.approx(log_loss(labels, softmax(logits)))
