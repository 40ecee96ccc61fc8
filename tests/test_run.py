"""Saved runs: written whole or not at all, every damage found, names, locks and the way into place."""

import errno
import hashlib
import json
import os
import stat
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from textrnn.base import files as run_files
from textrnn.base import run
from textrnn.base.errors import ConfigError, RunError
from textrnn.base.files import (
    FORMAT_VERSION,
    MODEL_FILE,
    RUN_FILE,
    TOKENIZER_FILE,
    read_json,
    read_weights,
    write_atomically,
    write_json,
    write_weights,
)
from textrnn.base.run import check_name, find_run, free_name, list_runs, locked, publish, read_run, staged, status_of

VALUES = {
    "format_version": 1,
    "kind": "language_model",
    "chars": ["\n", "é", "中", "😀", '"', "\\", "\x1f", "\u2028"],
    "numbers": [0, -7, 1e-05, 0.30000000000000004, 1e22, 2**70],
    "nested": {"sha256": "0" * 64, "none": None, "yes": True},
}
TOKENIZER = {"level": "char", "tokens": ["a", "b", "\n"]}
anything = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def models(tmp_path):
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


def weights():
    rng = np.random.default_rng(2)
    return {
        "layer0/kernel": rng.normal(size=(2, 3)).astype(np.float32),
        "counts": np.arange(5),
        "scalar": np.array(7.5, np.float32),
        "empty": np.zeros((0, 3), np.float32),
        "flags": np.array([True, False]),
        "view": rng.normal(size=(3, 4)).astype(np.float16).T[::2],
    }


def make_run(models, name, *, kind="language_model", age_s=0.0):
    path = models / name
    path.mkdir()
    write_json(path / RUN_FILE, {"kind": kind, "name": name})
    when = time.time() - age_s
    os.utime(path / RUN_FILE, (when, when))
    return path


def reader_of(path):
    return read_weights if path.suffix == ".safetensors" else read_json


def assert_damaged(path, data):
    path.write_bytes(data)
    with pytest.raises(RunError) as error:
        reader_of(path)(path)
    assert str(path) in str(error.value)


# ---------------------------------------------------------------- files


def test_read_json_is_the_inverse_of_write_json(tmp_path):
    path = tmp_path / RUN_FILE
    write_json(path, VALUES)
    found = read_json(path)
    assert len(found.pop("sha256")) == 64
    assert found == VALUES and list(found) == list(VALUES)
    assert "中" in path.read_text(encoding="utf-8"), "a person can read it"


def test_write_json_of_what_was_read_gives_the_same_file(tmp_path):
    write_json(tmp_path / "one", VALUES)
    write_json(tmp_path / "two", read_json(tmp_path / "one"))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    write_json(tmp_path / "two", {"sha256": "of another object", **VALUES})
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


json_objects = st.dictionaries(
    st.text(st.characters()),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters()),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=6,
    ),
).map(lambda values: {key: value for key, value in values.items() if key not in ("sha256", "format_version")})


@anything
@given(json_objects)
def test_read_json_gives_back_any_object(tmp_path, values):
    write_json(tmp_path / "x.json", values)
    found = read_json(tmp_path / "x.json")
    del found["sha256"]
    assert found == values


def test_write_json_keeps_names_that_are_no_utf8(tmp_path):
    write_json(tmp_path / "x.json", {"file": "caf\udce9.txt"})
    assert read_json(tmp_path / "x.json")["file"] == "caf\udce9.txt"


def test_read_weights_is_the_inverse_of_write_weights(tmp_path):
    path = tmp_path / MODEL_FILE
    write_weights(path, weights(), {"progress": '{"step": 3}', "名": "値"})
    found, metadata = read_weights(path)
    assert metadata == {"progress": '{"step": 3}', "名": "値"}
    assert found.keys() == weights().keys()
    for name, array in weights().items():
        assert found[name].dtype == array.dtype and found[name].shape == array.shape
        np.testing.assert_array_equal(found[name], array)
    write_weights(path, {})
    assert read_weights(path) == ({}, {})


def test_write_weights_gives_the_same_bytes_in_each_process(tmp_path):
    """The order of metadata within safetensors differs from process to process."""
    code = (
        "import numpy as np, sys; from pathlib import Path; from textrnn.base.files import write_weights; "
        "metadata = {name: name for name in ('progress', 'metrics', '名', 'd', 'e', 'f')}; "
        "write_weights(Path(sys.argv[1]), {'b': np.ones(3), 'a': np.float32(2)}, metadata)"
    )
    found = set()
    for number in range(3):
        path = tmp_path / f"{number}.safetensors"
        subprocess.run([sys.executable, "-c", code, path], check=True)
        found.add(path.read_bytes())
        assert list(read_weights(path)[1]) == ["d", "e", "f", "metrics", "progress", "名"]
    assert len(found) == 1


def test_atomic_file_names_the_file_that_was_asked_for(tmp_path):
    with pytest.raises(FileNotFoundError) as failed, run_files.atomic_file(tmp_path / "none" / "page.html"):
        pass
    assert failed.value.filename == str(tmp_path / "none" / "page.html")


def test_atomic_file_that_fails_leaves_the_old_content(tmp_path):
    path = tmp_path / "x.json"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), run_files.atomic_file(path) as file:
        file.write(b"new")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_remove_temporaries_removes_what_a_kill_left(tmp_path):
    left = [".run.json.abc_1234", "checkpoint/.step-0000000003.safetensors.x2345678", "checkpoint/.train.ids.12345678"]
    kept = [
        "run.json",
        ".mine.json.bak",
        ".notes.abcdefgh",
        "checkpoint/step-0000000003.safetensors",
        ".x.json.ABCDEFGH",
    ]
    (tmp_path / "checkpoint").mkdir()
    for name in left + kept:
        (tmp_path / name).write_bytes(b"x")
    run_files.remove_temporaries(tmp_path)
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()) == sorted(kept)


def test_remove_temporaries_knows_the_names_that_are_made(tmp_path, monkeypatch):
    for name in ("run.json", "model.safetensors", "history.csv", "curves.png", "train.ids"):
        with monkeypatch.context() as killed:
            killed.setattr(run_files.os, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            killed.setattr(run_files.os, "unlink", lambda *_: None)
            with pytest.raises(KeyboardInterrupt):
                write_atomically(tmp_path / name, b"x")
    assert len(list(tmp_path.iterdir())) == 5
    run_files.remove_temporaries(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(params=[RUN_FILE, TOKENIZER_FILE, MODEL_FILE])
def saved(request, tmp_path):
    """A small file of each kind."""
    path = tmp_path / request.param
    if request.param == MODEL_FILE:
        write_weights(path, {"kernel": np.arange(6, dtype=np.float32).reshape(2, 3), "bias": np.ones(1)}, {"step": "3"})
    else:
        write_json(path, VALUES if request.param == RUN_FILE else TOKENIZER)
    reader_of(path)(path)
    return path


@pytest.mark.slow
def test_read_finds_every_flipped_bit(saved):
    data = saved.read_bytes()
    for place in range(len(data)):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[place] ^= 1 << bit
            assert_damaged(saved, bytes(damaged))


def test_read_finds_every_truncation_and_what_is_added(saved):
    data = saved.read_bytes()
    for length in range(len(data)):
        assert_damaged(saved, data[:length])
    for added in (b"\n", b" ", b"\0", b"x", data):
        assert_damaged(saved, data + added)
        assert_damaged(saved, added + data)


def test_read_finds_lost_and_swapped_blocks(saved):
    data = saved.read_bytes()
    for begin in range(0, len(data) - 8, 5):
        assert_damaged(saved, data[:begin] + bytes(8) + data[begin + 8 :] + b"x")
        assert_damaged(saved, data[:begin] + data[begin + 3 :])


@anything
@given(st.binary(max_size=200))
@pytest.mark.parametrize("name", [RUN_FILE, MODEL_FILE])
def test_read_refuses_random_bytes(tmp_path, name, data):
    assert_damaged(tmp_path / name, data)


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "null",
        "3",
        '"x"',
        "NaN",
        "{}",
        '{"sha256": null}',
        '{"sha256": {}}',
        '{"a": NaN}',
        '{"a": 1e999}',
        '{"a": ' + "9" * 5000 + "}",
        '{"a": ' + "9" * 4000 + "}",
        '{"a": 1, "a": 2}',
        '{"\\ud800": "\\udfff"}',
        '{"format_version": null}',
        '{"format_version": "9"}',
        '{"format_version": 0}',
        '{"format_version": -1e400}',
        '{"format_version": NaN}',
        '{"format_version": [[[]]]}',
        "\ufeff{}",
    ],
)
def test_read_json_refuses_hostile_files(tmp_path, text):
    assert_damaged(tmp_path / RUN_FILE, text.encode())
    assert_damaged(tmp_path / RUN_FILE, text.encode("utf-16"))


@pytest.mark.parametrize("brackets", [('{"a":', "}"), ("[", "]"), ('{"format_version":[', "]}"), ('{"kind":[', "]}")])
def test_read_run_refuses_any_depth_of_nesting(models, brackets):
    path = make_run(models, "deep")
    opening, closing = brackets
    for depth in [*range(1, 60, 7), *range(850, 1010, 3), 10_000, 200_000]:
        nested = "[" * depth + "]" * depth if "[" in opening else opening * depth + "1" + closing * depth
        text = opening[:-1] + nested + closing[1:] if "[" in opening else nested
        for data in (text.encode(), sealed(f'{{"x": {text}'), sealed(text.removesuffix("}"))):
            (path / RUN_FILE).write_bytes(data)
            with pytest.raises(RunError) as error:
                read_run(path, "language_model")
            assert len(str(error.value)) < 500


def sealed(begin):
    """The begin of an object, ended by a checksum that fits."""
    head = begin.encode() + b', "sha256": "'
    return head + hashlib.sha256(head).hexdigest().encode() + b'"\n}\n'


def test_read_json_refuses_a_checksum_under_another_key(tmp_path):
    (tmp_path / RUN_FILE).write_bytes(sealed('{"a": 1'))
    assert read_json(tmp_path / RUN_FILE)["a"] == 1
    head = b'{"a": "'
    assert_damaged(tmp_path / RUN_FILE, head + hashlib.sha256(head).hexdigest().encode() + b'"\n}\n')


@pytest.mark.parametrize("version", [FORMAT_VERSION + 1, 10**30])
def test_read_json_of_a_newer_format_says_to_install_a_newer_textrnn(tmp_path, version):
    path = tmp_path / RUN_FILE
    write_json(path, {**VALUES, "format_version": version})
    with pytest.raises(
        RunError, match=f"has format version {version}, this textrnn reads {FORMAT_VERSION}: install a newer textrnn"
    ):
        read_json(path)
    path.write_text(json.dumps({"format_version": version, "checksum": "made in some other way"}))
    with pytest.raises(RunError, match="install a newer textrnn"):
        read_json(path)


@pytest.mark.parametrize("version", [0, -1, None, "1", [1]])
def test_read_json_refuses_versions_that_never_were(tmp_path, version):
    write_json(tmp_path / RUN_FILE, {**VALUES, "format_version": version})
    with pytest.raises(RunError, match="damaged"):
        read_json(tmp_path / RUN_FILE)


def tensors(header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def tensor(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


@pytest.mark.parametrize(
    "data",
    [
        tensors({}),
        tensors({"__metadata__": {}}),
        tensors({"__metadata__": {"sha256": "0" * 64}}),
        tensors({"__metadata__": {"sha256": 3}}),
        tensors({"__metadata__": None}),
        tensors({"__metadata__": []}),
        tensors([]),
        tensors(b"null"),
        tensors(b""),
        tensors({}, length=2**64 - 1),
        tensors({}, length=2**63),
        tensors({}, length=10**12),
        tensors({"a": tensor("BF16", [2], 0, 4)}, bytes(4)),
        tensors({"a": tensor("F8_E4M3", [4], 0, 4)}, bytes(4)),
        tensors({"a": tensor("F99", [1], 0, 4)}, bytes(4)),
        tensors({"a": tensor("F32", [10**12], 0, 4 * 10**12)}),
        tensors({"a": tensor("F32", [2**62, 2**62], 0, 4)}, bytes(4)),
        tensors({"a": tensor("F32", [0, 2**62, 2**62], 0, 0)}),
        tensors({"a": tensor("F32", [0, 2**61], 0, 0)}),
        tensors({"a": tensor("F32", [1] * 100, 0, 4)}, bytes(4)),
        tensors({"a": tensor("F32", [-1], 0, 4)}, bytes(4)),
        tensors({"a": tensor("F32", [1], -4, 0)}, bytes(4)),
        tensors({"a": tensor("F32", [1], 4, 0)}, bytes(4)),
        tensors({"a": tensor("F32", [1], 0, 4), "b": tensor("F32", [1], 0, 4)}, bytes(4)),
        tensors({"a": tensor("F32", [1], 0, 4)}, bytes(9)),
        tensors(b'{"a":' * 100_000),
        tensors(b'{"\\ud800": {"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', bytes(4)),
        tensors(b'{"__metadata__": {"a": "x", "a": "y"}}'),
        tensors(b'{"__metadata__": {"a": NaN}}'),
    ],
    ids=str,
)
def test_read_weights_refuses_hostile_files(tmp_path, data):
    assert_damaged(tmp_path / MODEL_FILE, data)


def test_read_refuses_what_is_missing_or_no_file(tmp_path):
    for read in (read_json, read_weights):
        for path in (tmp_path / "nothing", tmp_path, tmp_path / ("x" * 300)):
            with pytest.raises(RunError, match="missing"):
                read(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes with names")
def test_read_json_does_not_wait_for_a_pipe(tmp_path):
    os.mkfifo(tmp_path / TOKENIZER_FILE)
    with pytest.raises(RunError):
        read_json(tmp_path / TOKENIZER_FILE)


# ---------------------------------------------------------------- writing


@pytest.mark.parametrize("call", ["replace", "fsync", "chmod"])
@pytest.mark.parametrize("existing", [True, False])
def test_write_atomically_leaves_the_old_file_when_it_fails(tmp_path, monkeypatch, call, existing):
    path = tmp_path / "file"
    if existing:
        path.write_bytes(b"old")

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(run_files.os, call, full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, b"new")
    assert os.listdir(tmp_path) == (["file"] if existing else [])
    assert not existing or path.read_bytes() == b"old"


def test_write_atomically_leaves_no_temporary_file_when_interrupted(tmp_path, monkeypatch):
    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(run_files.os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "file", b"new")
    assert os.listdir(tmp_path) == []


def test_write_atomically_flushes_before_it_moves(tmp_path, monkeypatch):
    calls = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(run.os, "fsync", lambda handle: (calls.append("fsync"), fsync(handle)))
    monkeypatch.setattr(run.os, "replace", lambda *paths: (calls.append("replace"), replace(*paths)))
    write_atomically(tmp_path / "file", b"new")
    assert calls[:2] == ["fsync", "replace"] and (tmp_path / "file").read_bytes() == b"new"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_write_atomically_honours_the_umask(tmp_path, umask):
    before = os.umask(umask)
    try:
        write_atomically(tmp_path / "file", b"new")
        now = os.umask(umask)
    finally:
        os.umask(before)
    assert now == umask, "it is left as it was"
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o666 & ~umask


# ---------------------------------------------------------------- finding


def test_read_run_checks_the_kind(models):
    path = make_run(models, "one")
    assert read_run(path)["name"] == read_run(path, "language_model")["name"] == "one"
    with pytest.raises(RunError, match=r"is a 'language_model', expected a 'classifier'.*--model"):
        read_run(path, "classifier")
    with pytest.raises(RunError, match="not a saved run"):
        read_run(models)


def test_list_runs_is_newest_first_and_leaves_out_what_is_no_run(models):
    for name, age_s in (("middle", 20), ("oldest", 30), ("newest", 10), (".hidden.new-abc", 0)):
        make_run(models, name, age_s=age_s)
    (models / "README.md").write_text("no run")
    (models / "empty").mkdir()
    (models / "folder" / RUN_FILE).mkdir(parents=True)
    assert [path.name for path in list_runs(models)] == ["newest", "middle", "oldest"]
    assert list_runs(models / "nowhere") == list_runs(models / "README.md") == []


def test_find_run_by_name_and_by_path(models, tmp_path, monkeypatch):
    inside, outside = make_run(models, "mine"), make_run(tmp_path, "elsewhere")
    assert find_run("mine", models, "language_model") == inside
    assert find_run(str(outside), models, "language_model") == outside
    monkeypatch.chdir(tmp_path)
    assert find_run("elsewhere", models, "language_model") == Path("elsewhere")
    make_run(tmp_path, "mine")
    assert find_run("mine", models, "language_model") == inside, "a name under --models-dir comes first"


def test_find_run_takes_the_newest_of_the_kind(models):
    make_run(models, "old", age_s=30)
    new = make_run(models, "new", age_s=20)
    make_run(models, "other", kind="classifier", age_s=10)
    assert find_run(None, models, "language_model") == new


def test_find_run_passes_over_a_damaged_newest(models):
    good = make_run(models, "good", age_s=30)
    for number, content in enumerate([b"", b"{", b"[]", b'{"kind": "language_model"}', b"\xff\xfe"]):
        (make_run(models, f"bad{number}", age_s=number) / RUN_FILE).write_bytes(content)
    assert find_run(None, models, "language_model") == good


def test_find_run_says_how_to_get_one(models):
    with pytest.raises(RunError, match=r"no language model in .*: train one with 'textrnn train YOUR_TEXT.txt'"):
        find_run(None, models, "language_model")
    with pytest.raises(RunError, match=r"no run named 'x' in .*holds no runs"):
        find_run("x", models, "language_model")
    make_run(models, "there")
    with pytest.raises(RunError, match=r"no run named 'x' in .*\(there: there\)"):
        find_run("x", models, "language_model")
    for number in range(9):
        make_run(models, f"other{number}")
    with pytest.raises(RunError, match=r"\(there: .* and 2 more\)"):
        find_run("x", models, "language_model")


@pytest.mark.parametrize("name", ["", "x" * 300, "x" * 5000, "a\0b", "../../etc", "中" * 200, "\udcff"])
def test_find_run_of_impossible_names_is_a_run_error(models, name):
    with pytest.raises(RunError) as error:
        find_run(name, models, "language_model")
    assert len(str(error.value)) < 500


@pytest.mark.parametrize(
    "name", ["a", "7", "my-model_2", "小说", "été", "v1.2+x", "two words", "x" * 100, "中" * 66, "con-1", "console"]
)
def test_check_name_accepts(tmp_path, name):
    assert check_name(name) == name
    with locked(tmp_path, name), staged(tmp_path, name) as folder:
        (folder / RUN_FILE).write_text("{}")
        publish(folder, tmp_path / name)
    assert (tmp_path / name / RUN_FILE).is_file()


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        ".hidden",
        "_x",
        "-x",
        " x",
        "+x",
        "x ",
        "x.",
        "a/b",
        "a\\b",
        "/",
        "C:",
        "a:b",
        "a*",
        "a?",
        "a|b",
        "a<b",
        'a"b',
        "a\nb",
        "a\n",
        "a\tb",
        "a\0b",
        "x" * 101,
        "中" * 67,
        "😀",
        "\udcff",
        "CON",
        "nul",
        "Com1",
        "aux.txt",
    ],
)
def test_check_name_refuses(name):
    with pytest.raises(ConfigError, match="--name is") as error:
        check_name(name)
    assert len(str(error.value)) < 500


def test_free_name_numbers_what_is_taken(models):
    for wanted in ("tale", "tale-2", "tale-3"):
        assert free_name("tale", models) == wanted
        (models / wanted).mkdir()
    assert free_name("tale-2", models) == "tale-2-2"


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ("My Book (2nd ed.)", "My-Book-2nd-ed"),
        ("../etc/passwd", "etc-passwd"),
        ("三体", "三体"),
        ("", "run"),
        ("...", "run"),
        ("-", "run"),
        ("nul", "nul-run"),
        ("x" * 79 + ".txt", "x" * 79),
    ],
)
def test_free_name_makes_a_possible_name(models, wanted, name):
    assert free_name(wanted, models) == name


@anything
@given(st.text(st.characters(), max_size=150))
def test_free_name_always_passes_check_name(models, wanted):
    name = free_name(wanted, models)
    assert check_name(name) == name and check_name(name + "-1000") and len(name.encode()) <= 200


# ---------------------------------------------------------------- locks and places


def hold(models, name):
    """Another process that holds a lock until it is killed."""
    code = (
        "import pathlib, sys, time\nfrom textrnn.base.run import locked\n"
        "with locked(pathlib.Path(sys.argv[1]), sys.argv[2]):\n    print('held', flush=True)\n    time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(models), name], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    return process


def test_locked_refuses_a_second_process_until_the_first_is_killed(models):
    process = hold(models, "tale")
    try:
        with pytest.raises(RunError, match=r"is held by another training.*--name"), locked(models, "tale"):
            pass
        with locked(models, "another"):
            pass
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    with locked(models, "tale"):
        pass
    with locked(models, "tale"):
        pass


def test_locked_is_released_by_an_error(models):
    with pytest.raises(KeyError), locked(models, "tale"):
        raise KeyError
    with locked(models, "tale"), pytest.raises(RunError, match="held"), locked(models, "tale"):
        pass


def test_locked_makes_the_folder_or_says_that_it_cannot(tmp_path):
    with locked(tmp_path / "a" / "b", "tale"):
        pass
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"cannot write to .*--models-dir"), locked(tmp_path / "file", "tale"):
        pass


def visible(models):
    return sorted(path.name for path in models.iterdir() if path.name != ".locks")


def test_staged_removes_leftovers_of_its_name_only(models):
    for name in (".tale.new-abcd1234", ".tale.old-abcd1234", ".tale2.new-abcd1234", ".tale.new-1.new-abcd1234", "tale"):
        (models / name / "checkpoint").mkdir(parents=True)
    with staged(models, "tale") as folder:
        assert folder.parent == models and folder.name.startswith(".tale.new-")
        assert visible(models) == sorted([folder.name, ".tale.new-1.new-abcd1234", ".tale2.new-abcd1234", "tale"])
    assert visible(models) == [".tale.new-1.new-abcd1234", ".tale2.new-abcd1234", "tale"]


@pytest.mark.parametrize("name", ["a[b]", "a*", "tale"])
def test_staged_removes_its_folder_after_an_error(models, name):
    with pytest.raises(KeyError), staged(models, name) as folder:
        (folder / "file").write_text("")
        raise KeyError
    assert visible(models) == []


def test_staged_says_when_it_cannot_write(models):
    with pytest.raises(RunError, match="cannot write"), staged(models / "nowhere", "tale"):
        pass


def test_publish_moves_a_run_into_place(models):
    with staged(models, "tale") as folder:
        write_json(folder / RUN_FILE, {"kind": "new"})
        publish(folder, models / "tale")
        assert visible(models) == ["tale"]
        if os.name != "nt":
            umask = os.umask(0)
            os.umask(umask)
            assert stat.S_IMODE((models / "tale").stat().st_mode) == 0o777 & ~umask
    assert read_run(models / "tale")["kind"] == "new"


def test_publish_replaces_an_old_run(models):
    old = make_run(models, "tale", kind="old")
    (old / "only-old").write_text("")
    with staged(models, "tale") as folder:
        write_json(folder / RUN_FILE, {"kind": "new"})
        assert read_run(old)["kind"] == "old", "until the new one is complete"
        publish(folder, old)
    assert read_run(old)["kind"] == "new" and visible(models) == ["tale"] and not (old / "only-old").exists()


@pytest.mark.parametrize("failing", [1, 2])
def test_publish_leaves_the_old_run_when_it_fails(models, monkeypatch, failing):
    old = make_run(models, "tale", kind="old")
    replace, calls = os.replace, []

    def full(*paths):
        calls.append(paths)
        if len(calls) == failing:
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(*paths)

    with staged(models, "tale") as folder:
        write_json(folder / RUN_FILE, {"kind": "new"})
        monkeypatch.setattr(run.os, "replace", full)
        with pytest.raises(RunError, match=r"cannot write .*No space left"):
            publish(folder, old)
        monkeypatch.undo()
    assert read_run(old)["kind"] == "old" and visible(models) == ["tale"]


def test_locked_puts_back_a_run_when_publish_was_killed_between_its_moves(models):
    old = make_run(models, "tale", kind="old")
    (models / ".tale.new-abcd1234").mkdir()
    os.replace(old, models / ".tale.old-abcd1234")
    with locked(models, "tale"):
        assert read_run(old)["kind"] == "old" and visible(models) == ["tale"]


@pytest.mark.parametrize("was_held", [False, True])
def test_a_training_that_nobody_holds_was_interrupted(models, was_held):
    details = {"status": "training"}
    if was_held:  # the file of a lock stays
        with locked(models, "tales"):
            assert status_of(models / "tales", details) == "training"
    assert status_of(models / "tales", details) == "interrupted"
    with locked(models, "tales"):  # looking has not kept the name
        assert status_of(models / "tales", {"status": "finished"}) == "finished"
