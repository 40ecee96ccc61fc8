"""One session of training a translator: its graph, and what it measures over pairs of texts."""

from __future__ import annotations

import math
from typing import Any

from textrnn.base.files import TOKENIZER_FILE, write_json
from textrnn.base.machine import num_cores
from textrnn.nn.keras.weights import get_weights
from textrnn.training.display import Display, one_line
from textrnn.training.running import Running
from textrnn.training.step import make_optimizer
from textrnn.training.team import Alone
from textrnn.training.trainer import Learner
from textrnn.translator.batches import PairBatches
from textrnn.translator.network import EncoderDecoder, build_translator
from textrnn.translator.options import DecodeConfig
from textrnn.translator.predict import Translator, make_network, network_size
from textrnn.translator.prepared import PreparedPairs
from textrnn.translator.step import make_translator_check, make_translator_step
from textrnn.translator.store import PAIRS_FILE, write_pairs
from textrnn.translator.tokens import Side

RAMP_EPOCHS = 3.0  # in which scheduled sampling comes to its share
SHOWN = 40  # validation pairs from which samples are taken


class TranslatorSession(Running):
    """Everything that one training of a translator needs.

    Args:
        prepared: pairs, options and folder.
        display: tells the person.
    """

    command = "translate"
    prepared: PreparedPairs
    windows: PairBatches

    def __init__(self, prepared: PreparedPairs, display: Display) -> None:
        super().__init__(prepared, display, Alone())
        config, seed = prepared.config, prepared.config.train.random_seed
        self._train, self._valid = prepared.encoded("train"), prepared.encoded("valid")
        self.windows = PairBatches(self._train, config.lesson.batch or 1, seed)
        sizes = [network_size(prepared.kind, side) for side in prepared.sides]
        self.model = build_translator(
            prepared.kind,
            config.network,
            source_size=sizes[0],
            target_size=sizes[1],
            random_seed=seed,
            precision=self.precision,
        )
        optimizer = make_optimizer(config.train, self.model)
        self._take_over(optimizer)
        step = make_translator_step(
            self.model,
            optimizer,
            config.lesson,
            clip_norm=config.train.clip_norm,
            num_shards=max(1, self.progress.num_shards),
            ramp_steps=math.ceil(RAMP_EPOCHS * self.windows.num_batches),
            random_seed=seed,
        )
        self.learner = Learner(step, lambda rows: [])
        self._check = make_translator_check(self.model)
        self._keep(
            {
                TOKENIZER_FILE: lambda path: write_json(path, vocabularies(prepared.sides)),
                PAIRS_FILE: lambda path: write_pairs(path, prepared.parts),
            }
        )
        # Characters of the targets for each token, the end counted as one, so that losses compare.
        chars = sum(map(len, prepared.parts["train"].targets)) + len(self._train)
        self._chars_per_token = chars / self._train.num_tokens

    def _seconds_to_learn(self, left_s: float) -> float:
        return max(1.0, left_s - self.prepared.reserve_s)

    @property
    def _check_tokens(self) -> int:
        return self._valid.num_tokens

    def _validate(self) -> float:
        return self._check(self._valid)

    def _pace(self, loss: float) -> str:
        progress = self.progress
        speed = progress.timed_tokens / progress.step_s if progress.step_s else 0.0
        return f"{loss:.3f} nats/token  {speed:,.0f} tokens/s"

    def _measured(self, row: dict[str, float]) -> dict[str, Any]:
        bits = 1 / math.log(2) / self._chars_per_token
        row.update(
            train_bits_per_char=row["train_nats_per_token"] * bits,
            val_bits_per_char=row["val_nats_per_token"] * bits,
            chars_per_s=row["tokens_per_s"] * self._chars_per_token,
        )
        return dict(val_nats_per_token=row["val_nats_per_token"], epoch=row["epoch"], step=int(row["step"]))

    def _after_check(self, *, is_best: bool) -> None:
        self.display.say(f"        {one_line(self._sample())}", style="dim")

    def _sample(self) -> str:
        """A held-out text and what the network makes of it now."""
        prepared, valid = self.prepared, self.prepared.parts["valid"]
        network = make_network(prepared.kind, prepared.config, prepared.sides, get_weights(self.model))
        translator = Translator(
            prepared.kind, *prepared.sides, network, prepared.config, float(prepared.details["longest"])
        )
        text = valid.sources[len(self.progress.history) % min(SHOWN, len(valid))]
        return f"{text} → {translator.some([text], DecodeConfig(beam=1))[0].text}"

    def _what(self) -> str:
        network = self.prepared.config.network
        layers = f"{network.layers}" + (f" + {network.decoder_layers}" * isinstance(self.model, EncoderDecoder))
        return (
            f"{self.prepared.kind}, {network.cell}, {layers} layers of {network.units} units, "
            f"{self.model.count_params():,} parameters, {self.precision}"
        )

    def _opening(self) -> str:
        return f"{self._what()}; a step learns from {self.windows.num_rows} pairs on {num_cores()} cores"


def vocabularies(sides: tuple[Side, Side]) -> dict[str, Any]:
    """The content of `tokenizer.json`."""
    return {"source": sides[0].tokenizer.to_json(), "target": sides[1].tokenizer.to_json()}
