"""A network that LiteRT runs, beside the one in NumPy: the same steps in int8, and several of them with their draws."""

from __future__ import annotations

from typing import Any

import numpy as np

from textrnn.base.native import standard_error_kept_back
from textrnn.nn.litert import FILTERED, MOST_STEPS, RECENT_TOKENS, STEP, WRITE, Draws
from textrnn.nn.numpy.network import CarriedNetwork, State, TargetNats
from textrnn.nn.numpy.stepping import Stepping

LONG_AGO = -RECENT_TOKENS - 1  # the place of a token that was not written lately


class LiteNetwork(Stepping, TargetNats):
    """A network whose steps are those of a LiteRT model; see `textrnn.nn.keras.litert` for what that gives.

    Args:
        network: the same in NumPy, which begins states and follows conditions.
        content: of the `.tflite` file.

    Raises:
        ImportError: ai-edge-litert is not there.
        ValueError: the content is no model, or not one of this network.
    """

    def __init__(self, network: CarriedNetwork, content: bytes) -> None:
        self._network, self._content = network, content
        self.vocab_size, self.num_experts = network.vocab_size, network.num_experts
        self.hidden_width = self.vocab_size + (1 + self.num_experts if self.num_experts else 0)
        self._writers: dict[str, Any] = {}
        self._rows = 1
        self._interpreter = _interpreter(content)
        self._inputs, outputs = _places(self._interpreter)
        self._said = [outputs.pop(name) for name in ("logits", "gate") if name in outputs]
        self._after = [outputs[name] for name in sorted(outputs, key=_number)]
        states = network.initial_state(1)
        names = [f"state{number}" for number in range(len(self._after))] + ["conditions"] * network.has_conditions
        self._states = [self._inputs[name] for name in names if name in self._inputs]
        widths = {one["index"]: int(one["shape"][-1]) for one in self._interpreter.get_output_details()}
        if len(self._states) != len(states) or sum(widths[place] for place in self._said) != self.hidden_width:
            raise ValueError("the LiteRT model is not that of the network")

    def initial_state(self, rows: int) -> State:
        """See `Network.initial_state`."""
        return self._network.initial_state(rows)

    def next_hidden(self, ids: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """See `Stepping.next_hidden`: here, the logits, and the weights of a mixture behind them."""
        if len(ids) != self._rows:
            self._resize(len(ids))
        ids, state = self._heard(ids, state)
        runs = self._interpreter
        runs.set_tensor(self._inputs["ids"], ids)
        for place, array in zip(self._states, state, strict=True):
            runs.set_tensor(place, array.T)
        runs.invoke()
        after = [runs.get_tensor(place).T for place in self._after]
        said = [runs.get_tensor(place).T for place in self._said]
        return said[0] if len(said) == 1 else np.concatenate(said), [*after, *state[len(after) :]]

    def logits(self, hidden: np.ndarray) -> np.ndarray:
        """See `Stepping.logits`."""
        by_row: np.ndarray = hidden[: self.vocab_size].T
        return by_row

    def probabilities(self, hidden: np.ndarray) -> np.ndarray:
        """See `CarriedNetwork.probabilities`."""
        own: np.ndarray = np.exp(self.logits(hidden))
        return own

    def gate(self, hidden: np.ndarray) -> np.ndarray:
        """See `CarriedNetwork.gate`."""
        return hidden[self.vocab_size :]

    def write(
        self, ids: np.ndarray, state: State, draws: Draws, uniforms: np.ndarray, recent: np.ndarray
    ) -> tuple[np.ndarray, State]:
        """Lets one row read a token and draw the next one, as often as there are numbers for it.

        Args:
            ids: int32[1], the token to read.
            state: before it.
            draws: how tokens are drawn.
            uniforms: float64[steps] in [0, 1), at most `MOST_STEPS`.
            recent: int[any], the tokens before, the last one at the end, for the repetition penalty.

        Returns:
            int32[steps], and the state before the last of them is read.
        """
        ids, state = self._heard(ids, state)
        given = {"ids": ids, "uniforms": np.zeros(MOST_STEPS, np.float32), "steps": np.int32(len(uniforms))}
        # Below 1, so that the product with a sum is below that sum, see `textrnn.language_model.random_state.pick`.
        given["uniforms"][: len(uniforms)] = np.minimum(uniforms, np.float32(1 - 2**-24))
        given |= {"sharpness": np.float32(draws.sharpness), "min_p": np.float32(draws.min_p)}
        given |= {f"state{number}": state[number].T for number in range(len(self._after))}
        if len(state) > len(self._after):
            given["conditions"] = state[-1].T
        filtered = draws.top_k < self.vocab_size or draws.top_p < 1 or draws.penalty != 1
        if filtered:
            seen = np.full(self.vocab_size, LONG_AGO, np.int32)
            seen[recent] = np.arange(-len(recent), 0)
            given |= {"top_k": np.int32(draws.top_k), "top_p": np.float32(draws.top_p), "seen": seen}
            given["penalty"] = np.float32(draws.penalty)
        found = self._writer(FILTERED if filtered else WRITE)(**given)
        after = [found[f"after{number}"].T for number in range(len(self._after))]
        return found["drawn"][: len(uniforms)], [*after, *state[len(after) :]]

    def _heard(self, ids: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """Ids as tokens, and the state with the conditions that they set."""
        if not self._network.has_conditions:
            return np.asarray(ids, np.int32), state
        conditions = self._network.conditions_after(ids, state[-1])
        return np.minimum(ids, self.vocab_size - 1, dtype=np.int32), [*state[:-1], conditions]

    def _writer(self, name: str) -> Any:
        if name not in self._writers:
            self._writers[name] = _interpreter(self._content).get_signature_runner(name)
        return self._writers[name]

    def _resize(self, rows: int) -> None:
        for place in (self._inputs["ids"], *self._states):
            shape = self._interpreter.get_input_details()
            width = {one["index"]: one["shape"][1:] for one in shape}[place]
            self._interpreter.resize_tensor_input(place, [rows, *width])
        with standard_error_kept_back():
            self._interpreter.allocate_tensors()
        self._rows = rows


def _interpreter(content: bytes) -> Any:
    """An interpreter of one thread: for the steps of a few dozen rows, more would wait for one another."""
    with standard_error_kept_back():
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(model_content=content, num_threads=1)
        interpreter.allocate_tensors()
    return interpreter


def _places(interpreter: Any) -> tuple[dict[str, int], dict[str, int]]:
    """The numbers of inputs and outputs of one step by name."""
    step = interpreter.get_signature_runner(STEP)
    found = [step.get_input_details(), step.get_output_details()]
    inputs, outputs = ({name: one["index"] for name, one in details.items()} for details in found)
    return inputs, outputs


def _number(name: str) -> int:
    return int(name.removeprefix("after"))
