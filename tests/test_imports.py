"""Who may import whom, by reading the imports; and that only training loads TensorFlow, by looking in a new process."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import textrnn
from textrnn.config import Config
from textrnn.run_files import MODEL_FILE, RUN_FILE, TOKENIZER_FILE, write_json, write_weights
from textrnn.text.tokenizers import build_tokenizer

ROOT = Path(textrnn.__file__).parent
# The layer of each module, by its first name below textrnn; `textrnn` itself only imports inside functions.
LAYERS = {
    "errors": 0,
    "checked": 0,
    "cells": 0,
    "config": 0,
    "model_config": 0,
    "sample_config": 0,
    "document_config": 0,
    "classify_config": 0,
    "reservoir_config": 0,
    "translate_config": 0,
    "memory_config": 0,
    "answer_config": 0,
    "text": 1,
    "run": 1,
    "run_files": 1,
    "machine": 1,
    "recipe": 1,
    "runtime": 2,
    "judging": 2,
    "inspecting": 2,
    "layers": 3,
    "models": 3,
    "training": 4,
    "pictures": 4,
    "tasks": 5,
    "cli": 6,
    "cli_classify": 6,
    "cli_train": 6,
    "cli_generate": 6,
    "cli_inspect": 6,
    "cli_translate": 6,
    "cli_answer": 6,
    "console": 6,
    "options": 6,
    "__main__": 6,
    "": 6,
}
RUNTIME = 2
FRAMEWORKS = {"tensorflow", "keras"}
SMALL = {"numpy", "safetensors", "tokenizers", "rjieba", "threadpoolctl"}
# Libraries beside the standard one that a layer may use; TensorFlow and Keras in layers 3 and 4 only.
LIBRARIES = {
    0: set(),
    1: SMALL,
    2: SMALL | {"sacrebleu"},
    3: SMALL | FRAMEWORKS,
    4: SMALL | FRAMEWORKS | {"rich", "matplotlib", "scipy", "sklearn"},
    5: SMALL | {"rich"},
    6: {"click"},
}


def name_of(path):
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(ROOT.rglob("*.py"))}


def layer_of(module):
    return LAYERS[module.partition(".")[2].partition(".")[0]]


class Imports(ast.NodeVisitor):
    """What a module imports: at its top, and anywhere; what only type checkers see is left out."""

    def __init__(self, module, path):
        self.top, self.anywhere, self._inside = set(), set(), 0
        self._package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        self.visit(ast.parse(path.read_text(encoding="utf-8")))

    def _add(self, name):
        self.anywhere.add(name)
        if not self._inside:
            self.top.add(name)

    def visit_Import(self, node):
        for alias in node.names:
            self._add(alias.name)

    def visit_ImportFrom(self, node):
        base = node.module or ""
        if node.level:
            parents = self._package.split(".")
            base = ".".join([*parents[: len(parents) - node.level + 1], *filter(None, [base])])
        for alias in node.names:
            full = f"{base}.{alias.name}"
            self._add(full if full in MODULES else base)

    def visit_Call(self, node):
        function = ast.unparse(node.func)
        if function.endswith(("import_module", "__import__")):
            assert isinstance(node.args[0], ast.Constant), f"{self._package}: {ast.unparse(node)} cannot be checked"
            self._add(node.args[0].value)
        self.generic_visit(node)

    def visit_If(self, node):
        if ast.unparse(node.test).endswith("TYPE_CHECKING"):
            for child in node.orelse:
                self.visit(child)
        else:
            self.generic_visit(node)

    def visit_FunctionDef(self, node):
        self._inside += 1
        self.generic_visit(node)
        self._inside -= 1

    visit_AsyncFunctionDef = visit_Lambda = visit_FunctionDef


IMPORTS = {module: Imports(module, path) for module, path in MODULES.items()}


def own(names):
    return {name for name in names if name.split(".")[0] == "textrnn"}


def libraries(names):
    return {name.split(".")[0] for name in names} - {"textrnn"} - set(sys.stdlib_module_names)


def loaded_by(module):
    """All that importing a module loads: modules of textrnn, with the packages they are in, and libraries."""
    found, waiting = set(), [module]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            if name in IMPORTS:
                waiting += [*IMPORTS[name].top, *(name.rsplit(".", n)[0] for n in range(1, name.count(".") + 1))]
    return found


def test_imports_are_read_rightly(tmp_path):
    path = tmp_path / "x.py"
    path.write_text(
        "from __future__ import annotations\nimport os.path\nfrom . import bpe\nfrom ..run import locked\n"
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import keras\nelse:\n    import json\n"
        "try:\n    import csv\nexcept ImportError:\n    pass\n"
        "class A:\n    import re\n    def f(self):\n        import tensorflow as tf\n"
        "        from textrnn import config\n"
        "f = lambda: __import__('sklearn.metrics')\n"
    )
    found = Imports("textrnn.text.x", path)
    top = {"__future__", "os.path", "textrnn.text.bpe", "textrnn.run", "typing", "json", "csv", "re"}
    assert found.top == top
    assert found.anywhere == top | {"tensorflow", "textrnn.config", "sklearn.metrics"}
    assert libraries(found.anywhere) == {"tensorflow", "sklearn"}


def test_modules_are_all_in_a_layer():
    assert len(MODULES) > 30
    for module in MODULES:
        assert module.partition(".")[2].partition(".")[0] in LAYERS, f"{module} is in no layer of DESIGN.md, section 2"


@pytest.mark.parametrize("module", MODULES)
def test_module_imports_from_its_layer_and_below_only(module):
    layer = layer_of(module)
    for name in own(IMPORTS[module].anywhere):
        assert name in MODULES, f"{module} imports {name}, which is not there"
        allowed = name == "textrnn" or layer_of(name) <= layer  # textrnn itself: __version__, nothing else
        if layer in (3, 4) and layer_of(name) == RUNTIME:
            allowed = layer == 4  # the NumPy runtime is the oracle of layers and models: they must not share code
        assert allowed, f"{module} (layer {layer}) imports {name} (layer {layer_of(name)})"
    unknown = libraries(IMPORTS[module].anywhere) - LIBRARIES[layer]
    assert not unknown, f"{module} (layer {layer}) imports {unknown}"


@pytest.mark.parametrize("module", [module for module in MODULES if layer_of(module) not in (3, 4)])
def test_module_outside_of_training_loads_no_tensorflow(module):
    loaded = loaded_by(module)
    assert not {name.split(".")[0] for name in loaded} & FRAMEWORKS, f"{module} loads {sorted(own(loaded))}"


@pytest.mark.parametrize("module", [module for module in MODULES if layer_of(module) <= RUNTIME])
def test_module_of_the_runtime_never_imports_tensorflow(module):
    for name in own(IMPORTS[module].anywhere) | {module}:
        assert not {found.split(".")[0] for found in loaded_by(name)} & FRAMEWORKS


def test_cli_imports_options_and_errors_only():
    for module in own(IMPORTS["textrnn.cli"].top):
        assert layer_of(module) in (0, 6) or module == "textrnn", module
    assert own(IMPORTS["textrnn.options"].top) <= {"textrnn", "textrnn.errors", "textrnn.checked", "textrnn.config"}
    assert not own(IMPORTS["textrnn"].top) and not libraries(IMPORTS["textrnn"].anywhere)
    for name in own(IMPORTS["textrnn.cli"].anywhere):
        assert layer_of(name) not in (3, 4), f"the command line imports {name}: that is the tasks' part"


# ---------------------------------------------------------------- in a new process


def modules_after(code, *arguments, cwd=None):
    """What is in sys.modules after some code; it must end well."""
    script = f"""
import json, os, sys
code = 0
try:
{code}
except SystemExit as ended:
    code = ended.code or 0
finally:
    sys.stdout.flush()
    with open(os.environ["MODULES_FILE"], "w") as file:
        json.dump(sorted(sys.modules), file)
sys.exit(code)
"""
    file = Path(cwd) / "modules.json"
    environment = {**os.environ, "MODULES_FILE": str(file), "PYTHONPATH": str(ROOT.parent), "PYTHONUTF8": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=cwd,
        env=environment,
        text=True,
        timeout=60,
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    return {name.split(".")[0] for name in json.loads(file.read_text())}, done.stdout


@pytest.mark.parametrize(
    ("statement", "heavy"),
    [
        ("import textrnn", {"numpy", "click"}),
        ("import textrnn.cli", {"numpy"}),
        ("import textrnn.config, textrnn.errors", {"numpy", "click"}),
        ("import textrnn.runtime.language_model", {"click", "matplotlib", "sklearn"}),
        ("import textrnn.tasks.generate, textrnn.tasks.score, textrnn.tasks.info", {"click", "matplotlib", "sklearn"}),
        ("import textrnn; textrnn.load, textrnn.train", {"click"}),
    ],
)
def test_import_loads_no_tensorflow(tmp_path, statement, heavy):
    modules, _ = modules_after(f"    {statement}", cwd=tmp_path)
    assert "textrnn" in modules and not modules & (FRAMEWORKS | heavy)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a text and a small model of it under models/."""
    folder = tmp_path_factory.mktemp("project")
    config = Config.from_options({"arch": "gru", "layers": 1, "units": 7, "embed": 5}).resolve()
    tokenizer = build_tokenizer(config.tokenizer, ["abab\n"])
    vocab, rng = tokenizer.vocab_size, np.random.default_rng(1)
    run = folder / "models" / "tiny"
    run.mkdir(parents=True)
    shapes = {
        "embedding/embeddings": (vocab, 5),
        "layer0/kernel": (5, 21),
        "layer0/recurrent_kernel": (7, 21),
        "layer0/bias": (2, 21),
        "output/kernel": (7, vocab),
        "output/bias": (vocab,),
    }
    write_weights(run / MODEL_FILE, {name: rng.normal(size=s).astype(np.float32) for name, s in shapes.items()})
    write_json(run / TOKENIZER_FILE, tokenizer.to_json())
    part = dict(chars=5, tokens=5, unknown=0)
    write_json(
        run / RUN_FILE,
        {
            "format_version": 1,
            "kind": "language_model",
            "status": "finished",
            "created": "2026-01-02T03:04:05+0000",
            "command": "textrnn train text.txt",
            "config": config.to_json(),
            "vocab_size": vocab,
            "start_id": 2,
            "parameters": 400,
            "corpus": {"files": [], "validation_files": [], "train": part, "valid": part},
            "metrics": {},
            "versions": {"textrnn": "0.1.0"},
        },
    )
    (folder / "text.txt").write_text("abba\nab\n")
    (folder / "long.txt").write_text("abba\nab\n" * 9)
    return folder


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--help"], "generate"),
        (["--version"], textrnn.__version__),
        (["train", "--help"], "--units"),
        (["generate", "--seed", "ab", "--length", "5", "--random-seed", "3"], "ab"),
        (["generate", "--seed", "ab", "--length", "5", "--count", "2", "--format", "jsonl"], '"stop_reason"'),
        (["score", "text.txt"], "bits per character"),
        (["score", "text.txt", "--json"], '"bits_per_char"'),
        (["info"], "gru"),
        (["info", "tiny"], "language model, gru"),
        (["inspect", "cells", "long.txt"], "wrote cells.html"),
    ],
)
def test_command_loads_no_tensorflow(folder, arguments, expected):
    modules, output = modules_after("    from textrnn.cli import main\n    main()", *arguments, cwd=folder)
    assert expected in output
    assert "click" in modules and not modules & FRAMEWORKS
    if arguments[-1] == "--help" or arguments[0] == "--version":
        assert "numpy" not in modules, "help costs next to nothing"
