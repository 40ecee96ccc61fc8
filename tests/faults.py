"""Seeds faults one at a time into a copy of the project and tells whether the tests notice: `python tests/faults.py`.

A fault is a place, its text, and what takes the place of the text. The tests named with it run in the copy; first they
run without any fault, so that a test that fails anyway catches nothing. Arguments choose faults whose description has
one of them in it; `--check` only says which texts are no longer there. Exit code 0 if all that were run were caught.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent


class Fault(NamedTuple):
    what: str
    path: str
    old: str
    new: str
    tests: str  # files under tests/, without test_ and .py


FAULTS = (
    Fault(
        "fsync is missing",
        "base/files.py",
        "            file.flush()\n            os.fsync(file.fileno())\n",
        "",
        "run",
    ),
    Fault(
        "an atomic move becomes a plain write",
        "base/files.py",
        "os.replace(temporary, path)",
        "path.write_bytes(Path(temporary).read_bytes())",
        "run corpus",
    ),
    Fault(
        "the checksum of weights is not compared",
        "base/files.py",
        'if metadata.pop("sha256", None) != _weights_digest(weights, metadata):',
        'if metadata.pop("sha256", None) is None:',
        "run saving",
    ),
    Fault(
        "an interrupt ends with the wrong exit code",
        "cli/console.py",
        "        return INTERRUPTED\n",
        "        return 1\n",
        "cli interrupt",
    ),
    Fault(
        "Unicode is not normalised",
        "text/normalize.py",
        "return unicodedata.normalize(cast(_Form, form), text)",
        "return text",
        "normalize",
    ),
    Fault(
        "targets are the inputs",
        "text/windows.py",
        "x, targets = self._ids[places % num_tokens], (places + 1) % num_tokens",
        "x, targets = self._ids[places % num_tokens], places % num_tokens",
        "windows",
    ),
    Fault(
        "windows that fill up a batch count",
        "text/windows.py",
        "mask = np.broadcast_to(real[:, None], y.shape).astype(np.float32)",
        "mask = np.ones(y.shape, np.float32)",
        "windows",
    ),
    Fault(
        "the last held-out token is left out",
        "text/windows.py",
        "& (places < num_tokens)",
        "& (places < num_tokens - 1)",
        "windows scoring",
    ),
    Fault(
        "unknown words become padding",
        "text/tokens/vocabulary.py",
        "known.get(token, UNKNOWN_ID)",
        "known.get(token, 0)",
        "vocabulary",
    ),
    Fault(
        "subwords take the reserved ids",
        "text/tokens/bpe.py",
        "np.array(encoding.ids, np.int32) + np.int32(NUM_RESERVED)",
        "np.array(encoding.ids, np.int32)",
        "tokenizers",
    ),
    Fault(
        "a document begins with the id of another condition",
        "text/documents.py",
        "return self.end_id + 1 + place",
        "return self.end_id + place",
        "documents conditional_network",
    ),
    Fault(
        "new cells stand behind the surplus of a long row",
        "text/table/own_form.py",
        "        if size <= width:\n",
        "        if size <= width + 1:\n",
        "table_writer",
    ),
    Fault(
        "the cache looks one token too far back",
        "text/counts/cache.py",
        "first = np.maximum(ends - size, begins[ends] + n)",
        "first = np.maximum(ends - size - 1, begins[ends] + n)",
        "counts_cache",
    ),
    Fault(
        "the window that reaches less far takes one token more",
        "text/counts/last_tokens.py",
        "place >= places - window.size)",
        "place >= places - window.size - 1)",
        "counts_cache",
    ),
    Fault(
        "what the cache leaves is given twice",
        "language_model/mixture.py",
        "gate[:, -1] += share * found.rest",
        "gate[:, -1] += share",
        "mixture",
    ),
    Fault(
        "the mask is dropped in the gradient with units first",
        "nn/keras/units_first.py",
        "(dh * masks[t], dc * masks[t])",
        "(dh, dc)",
        "layers",
    ),
    Fault(
        "the gates of the GRU are swapped",
        "nn/numpy/cells.py",
        "update, reset = gates[:units], gates[units:]",
        "reset, update = gates[:units], gates[units:]",
        "cells",
    ),
    Fault(
        "the LSTM puts out its state without tanh",
        "nn/numpy/cells.py",
        "new_h = np.tanh(new_c)",
        "new_h = new_c.copy()",
        "cells",
    ),
    Fault(
        "the gate of the minLSTM has the wrong sign",
        "nn/numpy/cells.py",
        "(logs[:units] - logs[units:]) * 0.5",
        "(logs[units:] - logs[:units]) * 0.5",
        "cells minimal",
    ),
    Fault(
        "every layer reads the state of the first",
        "nn/numpy/network.py",
        "            place += layer.num_states\n",
        "",
        "network",
    ),
    Fault(
        "the backward direction is not turned round",
        "nn/numpy/network.py",
        "return outputs if way == 0 else outputs[::-1]",
        "return outputs",
        "network",
    ),
    Fault(
        "the mean of all steps counts padding",
        "nn/keras/pooling.py",
        "/ tf.reduce_sum(mask, 1)[:, None]",
        "/ tf.cast(tf.shape(mask)[1], tf.float32)",
        "classifier_models",
    ),
    Fault(
        "attention looks at padding",
        "nn/keras/pooling.py",
        "tf.convert_to_tensor(self.query), 2) + (mask - 1) * FAR",
        "tf.convert_to_tensor(self.query), 2)",
        "classifier_models",
    ),
    Fault(
        "the state goes on under padding while training",
        "nn/keras/scan.py",
        "    return new * tf.cast(real, new.dtype) + old * tf.cast(1 - real, old.dtype)\n",
        "    return new\n",
        "layers",
    ),
    Fault(
        "the reset gate's gradient lacks a factor",
        "nn/keras/scan.py",
        "half_dg * r + half_dg",
        "half_dg * r",
        "layers",
    ),
    Fault(
        "gradients are not clipped",
        "training/step.py",
        "(clip_norm / tf.maximum(norm, clip_norm) if clip_norm else 1.0) / count",
        "1.0 / count",
        "step",
    ),
    Fault(
        "a step that is not finite is applied",
        "training/step.py",
        "tf.cond(tf.math.is_finite(norm) & tf.math.is_finite(mean), apply, lambda: None)",
        "apply()",
        "step trainer",
    ),
    Fault(
        "the carried state is dropped between steps",
        "training/trainer.py",
        "        self.state = state\n        progress.add_step(",
        "        progress.add_step(",
        "trainer",
    ),
    Fault(
        "patience is one check too long",
        "training/trainer.py",
        "progress.worse_checks >= patience",
        "progress.worse_checks > patience",
        "trainer",
    ),
    Fault(
        "the warm-up begins at zero",
        "training/schedule.py",
        "(step + 1) / self.warmup",
        "step / self.warmup",
        "schedule trainer",
    ),
    Fault(
        "the optimizer's state is not resumed",
        "training/checkpoint.py",
        "                variable.assign(arrays[group][name])\n",
        '                if group != "optimizer":\n                    variable.assign(arrays[group][name])\n',
        "checkpoint old_runs",
    ),
    Fault(
        "smoothing is forgotten in the gradient",
        "training/loss.py",
        "places, d_nats * (1 - smoothing))",
        "places, d_nats)",
        "loss translator_models",
    ),
    Fault(
        "temperature is ignored",
        "language_model/sampling.py",
        "            if sharpness != 1:\n                weights *= sharpness\n",
        "",
        "sampling",
    ),
    Fault(
        "the penalty makes unlikely tokens likelier",
        "language_model/sampling.py",
        "np.where(seen > 0, seen / penalty, seen * penalty)",
        "seen / penalty",
        "sampling",
    ),
    Fault(
        "the random seed is ignored",
        "language_model/random_state.py",
        "np.random.SeedSequence(seed, spawn_key=key)",
        "np.random.SeedSequence(spawn_key=key)",
        "generate writer",
    ),
    Fault(
        "unknown characters cost nothing",
        "language_model/scoring.py",
        "self.nats + self.unknown * NATS_PER_UNKNOWN",
        "self.nats",
        "scoring",
    ),
    Fault(
        "guidance has the wrong sign",
        "language_model/conditions.py",
        "* (within - without)",
        "* (without - within)",
        "conditional_network",
    ),
    Fault(
        "labels are in the wrong order",
        "classifier/kinds.py",
        "return [self.names[k] for k in best.tolist()]",
        "return [self.names[-1 - k] for k in best.tolist()]",
        "text_classifier kinds",
    ),
    Fault(
        "grades are asked whether they are at least as high",
        "classifier/kinds.py",
        "(labels[:, None] > np.arange(self.num_outputs))",
        "(labels[:, None] >= np.arange(self.num_outputs))",
        "kinds",
    ),
    Fault(
        "the interval of a number leaves out a row too many",
        "classifier/kinds.py",
        "np.ceil((len(errors) + 1) * INTERVAL_SHARE)",
        "np.ceil((len(errors) + 1) * INTERVAL_SHARE**2)",
        "kinds",
    ),
    Fault(
        "the calibration of the networks is ignored",
        "classifier/predict.py",
        'self.kind.predictions(outputs, self.temperatures.get("rnn", 1.0))',
        "self.kind.predictions(outputs, 1.0)",
        "text_classifier old_runs",
    ),
    Fault(
        "rows of one text stand on both sides of a fold",
        "classifier/splits.py",
        "of_row = fold_of[groups.numbers]",
        "of_row = rng.integers(0, num_folds, len(texts))",
        "splits",
    ),
    Fault(
        "precision and recall are swapped",
        "report/metrics.py",
        "np.diag(confusion), confusion.sum(1), confusion.sum(0)",
        "np.diag(confusion), confusion.sum(0), confusion.sum(1)",
        "metrics",
    ),
    Fault(
        "equal scores are ranked by their last place",
        "report/metrics.py",
        "np.cumsum(counts) - (counts - 1) / 2",
        "np.cumsum(counts) * 1.0",
        "metrics",
    ),
    Fault(
        "the length penalty forgets the end",
        "translator/beam.py",
        "len(self.ids) + self.is_whole, length_penalty",
        "len(self.ids), length_penalty",
        "beam",
    ),
    Fault(
        "the decoder attends to padding",
        "translator/numpy_network.py",
        "(mask[:, None] - 1) * FAR",
        "(mask[:, None] - 1) * 0",
        "translator_models",
    ),
    Fault(
        "words that are padding count in a sentence",
        "answerer/predict.py",
        "self._words[table][ids] * (ids > 0)[..., None]",
        "self._words[table][ids]",
        "answerer",
    ),
    Fault(
        "gradients go through the states in the wrong order",
        "inspect/gradients.py",
        "zip(read[::-1], reversed(states), strict=False)",
        "zip(read[::-1], states, strict=False)",
        "inspect_gradients",
    ),
    Fault(
        "pages escape nothing",
        "report/html.py",
        "autoescape=True",
        "autoescape=False",
        "html_report explain",
    ),
    Fault(
        "weights of files are not divided by their mean",
        "language_model/file_weights.py",
        "(self.weights / mean).astype",
        "self.weights.astype",
        "weights",
    ),
    Fault(
        "a new learning rate is halved as the old one was",
        "training/store.py",
        "            progress.rate_scale = 1.0\n",
        "            pass\n",
        "resume_changes",
    ),
    Fault(
        "a changed text counts as grown",
        "language_model/source_changes.py",
        'now >= before and _sha256(path, before) == file["sha256"]',
        "now >= before",
        "source_changes",
    ),
)


def present(fault, folder):
    """Whether the text of a fault stands in its file exactly once."""
    path = folder / "textrnn" / fault.path
    return path.is_file() and path.read_text("utf-8").count(fault.old) == 1


def copy_of_project(folder):
    """What git knows of the working tree, as it stands."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)


def passes(folder, tests):
    """Whether some files of tests pass in a copy; None if one of them is not there."""
    paths = [folder / "tests" / f"test_{name}.py" for name in tests.split()]
    if not all(path.is_file() for path in paths):
        return None
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "-p", "no:cacheprovider", *map(str, paths)]
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True).returncode == 0


def try_fault(fault, folder, sound):
    """`caught`, or what else became of a fault; `sound` remembers which tests pass without one."""
    if not present(fault, folder):
        return "its text is no longer there: write the fault anew"
    if fault.tests not in sound:
        sound[fault.tests] = passes(folder, fault.tests)
    if not sound[fault.tests]:
        return "a test file is missing" if sound[fault.tests] is None else "its tests fail without it"
    path = folder / "textrnn" / fault.path
    text = path.read_text("utf-8")
    path.write_text(text.replace(fault.old, fault.new), "utf-8")
    try:
        return "NOT CAUGHT" if passes(folder, fault.tests) else "caught"
    finally:
        path.write_text(text, "utf-8")


def main(arguments):
    check_only = "--check" in arguments
    words = [word for word in arguments if word != "--check"]
    chosen = [fault for fault in FAULTS if not words or any(word in f"{fault.path} {fault.what}" for word in words)]
    if check_only:
        gone = [fault for fault in chosen if not present(fault, ROOT)]
        for fault in gone:
            print(f"{fault.path}: {fault.what}: its text is no longer there")
        return int(bool(gone))
    sound, results = {}, []
    with tempfile.TemporaryDirectory() as name:
        copy_of_project(Path(name))
        for fault in chosen:
            began = time.monotonic()
            results.append(try_fault(fault, Path(name), sound))
            print(f"{time.monotonic() - began:5.0f} s  {fault.path}: {fault.what}: {results[-1]}", flush=True)
    print(f"{results.count('caught')} of {len(results)} faults were caught")
    return int(results.count("caught") < len(results))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
