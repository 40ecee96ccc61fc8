"""What training will cost on this machine, by the measure and the rule that `--size auto` goes by."""

from __future__ import annotations

from textrnn.base.machine import machine_speed
from textrnn.doctor.part import Part
from textrnn.language_model.size import learning_seconds, planned

MEASURED_S = 2.0
TIMES = {"1m": 60.0, "10m": 600.0}
# Tokens of the vocabulary that a long text is read in, and characters of a token: subwords, and characters.
LANGUAGES = {"English": (2_000, 2.9), "Chinese": (4_000, 1.0)}
NOVEL = 1_000_000  # characters of the text that is learnt from: a long novel


def cost(precision: str) -> Part:
    """Measures the machine, and says what it can learn in a minute and in ten.

    Args:
        precision: `float32` or `bfloat16`.
    """
    speed = machine_speed(precision, MEASURED_S)
    lines = [f"{speed:.2g} times the speed of 2 free cores of an AMD EPYC (Zen 5), on which sizes were fitted"]
    plans = []
    for time, seconds in TIMES.items():
        for language, (vocab_size, token_chars) in LANGUAGES.items():
            num_tokens = round(NOVEL / token_chars)
            size, tokens_per_s = planned(seconds, speed, num_tokens=num_tokens, vocab_size=vocab_size)
            chars_per_s = token_chars * tokens_per_s
            chars = chars_per_s * learning_seconds(seconds)
            network = f"{size.layers} layer{'s' * (size.layers > 1)} of {size.units} units"
            lines.append(
                f"--time {time}, {language}: {network}, {_rounded(chars_per_s)} characters a second, "
                f"{_rounded(chars)} in all"
            )
            plan = dict(seconds=seconds, language=language, layers=size.layers, units=size.units)
            plans.append({**plan, "chars_per_s": chars_per_s, "chars": chars})
    lines.append(f"these are what --size auto takes for a long novel, which has {NOVEL:,} characters")
    return Part("speed", lines, dict(speed=speed, plans=plans))


def _rounded(number: float) -> str:
    """A number in two digits that mean something.

    Example:
        >>> _rounded(48_321.0), _rounded(7.77)
        ('48,000', '7.8')
    """
    return f"{float(f'{number:.2g}'):,.10g}"
