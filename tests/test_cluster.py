"""TF_CONFIG as a table: what it means, and what is refused in one line."""

import json

import pytest

from textrnn.base.errors import ConfigError
from textrnn.training.cluster import EXAMPLE, Cluster, read_cluster, split_address, was_launched

TWO = ["a:1", "b:2"]


def config(cluster, task=None, **more):
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": task, **more})}


def worker(index):
    return {"type": "worker", "index": index}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        ({"TF_CONFIG": "  "}, None),
        ({"TF_CONFIG": "{}"}, None),
        (config({"worker": ["a:1"]}, worker(0)), None),
        (config({"chief": ["a:1"]}, {"type": "chief", "index": 0}), None),
        (config({"worker": TWO}, worker(0)), (("a:1", "b:2"), 0)),
        (config({"worker": TWO}, worker(1), environment="cloud"), (("a:1", "b:2"), 1)),
        (config({"worker": TWO}, worker("1")), (("a:1", "b:2"), 1)),
        (config({"worker": TWO, "chief": ["c:3"]}, worker(1)), (("c:3", "a:1", "b:2"), 2)),
        (config({"worker": ["a:1"], "chief": ["c:3"]}, {"type": "chief", "index": 0}), (("c:3", "a:1"), 0)),
        (config({"worker": ["[::1]:1", "[::1]:2"]}, worker(0)), (("[::1]:1", "[::1]:2"), 0)),
        ({"TF_CONFIG": EXAMPLE}, (("host-a:2222", "host-b:2222"), 0)),
    ],
)
def test_read_cluster_understands(environment, expected):
    cluster = read_cluster(environment)
    assert cluster == (expected and Cluster(*expected))
    if cluster:
        assert cluster.workers == len(expected[0])
        assert cluster.is_chief == (expected[1] == 0)


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"TF_CONFIG": "{"}, "is no JSON"),
        ({"TF_CONFIG": "[" * 100_000}, "is no JSON"),
        ({"TF_CONFIG": "[]"}, "expected an object such as"),
        ({"TF_CONFIG": '{"cluster": 3}'}, "expected an object such as"),
        (config({"worker": TWO}), "does not say which worker this is"),
        (config({"worker": TWO}, "worker"), "does not say which worker this is"),
        (config({"worker": TWO}, {"type": "worker"}), "does not say which worker this is"),
        (config({"worker": TWO}, {"type": "chief", "index": 0}), "type 'chief': expected one of worker"),
        (config({"worker": TWO}, worker(2)), "index 2: expected a number from 0 to 1"),
        (config({"worker": TWO}, worker(-1)), "index -1: expected"),
        (config({"worker": TWO}, worker("one")), "index 'one': expected"),
        (config({"worker": TWO}, worker(True)), "index True: expected"),
        (config({"worker": TWO, "ps": ["c:3"]}, worker(0)), "job 'ps'"),
        (config({"worker": TWO, "evaluator": ["c:3"]}, worker(0)), "job 'evaluator'"),
        (config({"worker": TWO}, {"type": "evaluator", "index": 0}), "type 'evaluator': expected one of worker"),
        (config({"worker": TWO, "chief": ["c:3", "d:4"]}, worker(0)), "2 chiefs"),
        (config({"worker": []}, worker(0)), "expected a list of host:port"),
        (config({"worker": "a:1"}, worker(0)), "expected a list of host:port"),
        (config({"worker": ["a:1", "b"]}, worker(0)), "address 'b': expected host:port"),
        (config({"worker": ["a:1", ":2"]}, worker(0)), "expected host:port"),
        (config({"worker": ["a:1", 7]}, worker(0)), "address 7: expected host:port"),
        (config({"worker": ["a:1", "b:70000"]}, worker(0)), "a port from 1 to 65535"),
        (config({"worker": ["a:1", "a:1"]}, worker(0)), "names an address twice"),
    ],
)
def test_read_cluster_refuses_in_one_line(environment, says):
    with pytest.raises(ConfigError) as refused:
        read_cluster(environment)
    assert says in str(refused.value)
    assert str(refused.value).startswith("TF_CONFIG")
    assert "\n" not in str(refused.value)


def test_split_address_and_was_launched():
    assert split_address("some.host.example:80") == ("some.host.example", 80)
    assert was_launched({"TEXTRNN_LAUNCHED_BY": "12"}) and not was_launched({})
