"""A graph of ONNX that is put together node by node."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Any

import numpy as np

from textrnn.base.errors import ConfigError
from textrnn.base.install import pip_install

OPSET = 18


def check_onnx() -> None:
    """Raises ConfigError where onnx is not installed."""
    if importlib.util.find_spec("onnx") is None:
        raise ConfigError(f"--to onnx needs onnx: {pip_install('export')}")


class Graph:
    """Nodes and constants that are added one by one."""

    def __init__(self) -> None:
        self.nodes, self.constants = list[Any](), list[Any]()

    def add(self, op: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        """The names of what an operation puts out; one name if it is one."""
        from onnx import helper

        names = [f"{op.lower()}{len(self.nodes)}_{number}" for number in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, names, **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, array: np.ndarray) -> str:
        """The name of a constant, float32 or int64."""
        from onnx import numpy_helper

        name = f"constant{len(self.constants)}"
        array = np.array(array, np.int64 if array.dtype.kind == "i" else np.float32, order="C")
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def affine(self, inputs: str, kernel: np.ndarray, bias: np.ndarray) -> str:
        """inputs @ kernel + bias."""
        product = self.add("MatMul", inputs, self.constant(kernel))
        return str(self.add("Add", product, self.constant(bias)))

    def content(self, name: str, inputs: Sequence[Any], outputs: Sequence[Any]) -> bytes:
        """The content of a file.

        Args:
            name: of the graph.
            inputs, outputs: as `helper.make_tensor_value_info` gives them.
        """
        from onnx import checker, helper

        made = helper.make_graph(self.nodes, name, inputs, outputs, self.constants)
        model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
        checker.check_model(model, full_check=True)
        content: bytes = model.SerializeToString()
        return content
