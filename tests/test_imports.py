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
from textrnn.base.files import MODEL_FILE, RUN_FILE, TOKENIZER_FILE, write_json, write_weights
from textrnn.language_model.options import Config
from textrnn.text.tokens.load import build_tokenizer

ROOT = Path(textrnn.__file__).parent
# The layer of each room, and of each room within `nn`.
LAYERS = {
    "base": 0,
    "text": 1,
    "report": 1,
    "nn": 2,
    "nn.numpy": 3,
    "nn.keras": 4,
    "training": 4,
    "answerer": 5,
    "classifier": 5,
    "language_model": 5,
    "translator": 5,
    "inspect": 6,
    "export": 6,
    "sklearn": 6,
    "serve": 7,
    "doctor": 7,
    "cli": 8,
    "__main__": 8,
    "": 8,
}
FRAMEWORKS = {"tensorflow", "keras"}
# The files of a task folder that may import TensorFlow.
TRAINED = {"network", "step", "fit", "learner", "pretrain", "keras_dataset", "convert"}
SMALL = {"numpy", "safetensors", "tokenizers", "rjieba", "threadpoolctl"}
# Libraries beside the standard one that a room may use.
LIBRARIES = {
    "base": {"numpy", "safetensors"},
    "text": SMALL | {"bs4", "charset_normalizer", "openpyxl", "pyarrow"},
    "report": SMALL | {"jinja2", "matplotlib", "scipy"},
    "nn": SMALL | {"ai_edge_litert", "scipy"},
    "training": SMALL | {"rich", "matplotlib"},
    "classifier": SMALL | {"dateutil", "scipy", "sklearn"},
    "language_model": SMALL | {"scipy"},
    "translator": SMALL | {"sacrebleu"},
    "answerer": SMALL,
    "inspect": SMALL,
    "export": SMALL | {"onnx"},
    "sklearn": {"numpy", "sklearn"},
    "serve": {"starlette", "uvicorn", "h11"},
    "doctor": {"numpy", "rich", "threadpoolctl"},
    "cli": {"click"},
    "__main__": set(),
    "": set(),
}


def name_of(path):
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(ROOT.rglob("*.py"))}


def room_of(module):
    return ".".join(module.split(".")[1:2])


def layer_of(module):
    within = ".".join(module.split(".")[1:3])
    return LAYERS[within if within in LAYERS else room_of(module)]


def may_import_tensorflow(module):
    if module in {f"textrnn.export.{name}" for name in ("classifier_keras", "keras_file", "saved_model")}:
        return True
    if module.startswith("textrnn.nn.keras") or room_of(module) == "training":
        return not module.endswith(".options")
    return layer_of(module) == LAYERS["language_model"] and module.rpartition(".")[2] in TRAINED


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
            if isinstance(node.args[0], ast.Constant):
                self._add(node.args[0].value)
            else:
                assert self._package in ("textrnn", "textrnn.base"), f"{ast.unparse(node)} cannot be checked"
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
        "from __future__ import annotations\nimport os.path\nfrom . import bpe\nfrom ...base.run import locked\n"
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import keras\nelse:\n    import json\n"
        "try:\n    import csv\nexcept ImportError:\n    pass\n"
        "class A:\n    import re\n    def f(self):\n        import tensorflow as tf\n"
        "        from textrnn.text import options\n"
        "f = lambda: __import__('sklearn.metrics')\n"
    )
    found = Imports("textrnn.text.tokens.x", path)
    top = {"__future__", "os.path", "textrnn.text.tokens.bpe", "textrnn.base.run", "typing", "json", "csv", "re"}
    assert found.top == top
    assert found.anywhere == top | {"tensorflow", "textrnn.text.options", "sklearn.metrics"}
    assert libraries(found.anywhere) == {"tensorflow", "sklearn"}


def test_modules_import_from_their_layer_and_below_only():
    assert len(MODULES) > 30
    wrong = set()
    for module, imports in IMPORTS.items():
        for name in own(imports.anywhere) - {"textrnn"}:  # textrnn itself: __version__, nothing else
            assert name in MODULES, f"{module} imports {name}, which is not there"
            if layer_of(name) > layer_of(module):
                wrong.add((module, name))
            if layer_of(module) == LAYERS["nn.keras"] and layer_of(name) == LAYERS["nn.numpy"]:
                wrong.add((module, name))  # the NumPy cells are the oracle of the layers: they must not share code
    assert not wrong


def test_modules_use_the_libraries_of_their_room_only():
    wrong = set()
    for module, imports in IMPORTS.items():
        allowed = LIBRARIES[room_of(module)] | (FRAMEWORKS if may_import_tensorflow(module) else set())
        wrong |= {(module, name) for name in libraries(imports.anywhere) - allowed}
    assert not wrong


def test_modules_outside_of_training_load_no_tensorflow():
    assert not [name for name in MODULES if not may_import_tensorflow(name) and loaded_by(name) & FRAMEWORKS]


def test_modules_have_no_circle():
    above = {module: own(imports.anywhere) - {module} for module, imports in IMPORTS.items()}
    while free := [module for module, names in above.items() if not names & above.keys()]:
        for module in free:
            del above[module]
    assert not above


def test_cli_imports_options_and_base_only():
    for module in own(IMPORTS["textrnn.cli.main"].top):
        assert room_of(module) in ("", "base", "cli") or "options" in module, module
    assert not own(IMPORTS["textrnn"].top) and not libraries(IMPORTS["textrnn"].anywhere)
    for module in MODULES:
        if room_of(module) == "cli":
            wrong = [name for name in own(IMPORTS[module].anywhere) if may_import_tensorflow(name)]
            assert not wrong, f"{module} imports {wrong}: that is the tasks' part"


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
        ("import textrnn.cli.main", {"numpy"}),
        ("import textrnn.language_model.options, textrnn.base.errors", {"numpy", "click"}),
        ("import textrnn.language_model.predict", {"click", "matplotlib", "sklearn"}),
        (
            "import textrnn.language_model.generate, textrnn.language_model.score, textrnn.language_model.info",
            {"click", "matplotlib", "sklearn"},
        ),
        ("import textrnn.serve.app, textrnn.serve.server", {"matplotlib", "sklearn", "scipy", "jinja2"}),
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
    modules, output = modules_after("    from textrnn.cli.main import main\n    main()", *arguments, cwd=folder)
    assert expected in output
    assert "click" in modules and not modules & FRAMEWORKS
    if arguments[-1] == "--help" or arguments[0] == "--version":
        assert "numpy" not in modules, "help costs next to nothing"
