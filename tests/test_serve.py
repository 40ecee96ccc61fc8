"""The HTTP interface, asked over a socket: the same answers as the commands, and nothing for who may not ask."""

import base64
import json
import math
import re
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from urllib.parse import quote

import httpx
import openai
import pytest
from cli_fixtures import refused, start
from serving import RUNS, copied, serving

from textrnn.base.config import fields_with_types
from textrnn.base.files import write_json
from textrnn.base.run import load, locked, read_run
from textrnn.language_model.asked import asked_model
from textrnn.language_model.chat import ChatTemplate
from textrnn.language_model.generation import generate_texts
from textrnn.language_model.sample_options import SampleConfig, TextConfig
from textrnn.serve import server as server_module
from textrnn.serve.openapi import POSTS

WRITERS = ("lstm", "bpe", "conditions", "esn", "bidirectional", "counts", "simple-word")
OTHERS = ("combined", "aligned", "encoder-decoder", "answerer")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return copied(tmp_path_factory.mktemp("serve"), *WRITERS, *OTHERS)


@pytest.fixture(scope="module")
def client(runs):
    with serving(runs, max_models=3) as client:
        yield client


def post(client, path, **values):
    return client.post(path, json=values)


def complete(client, **values):
    found = post(client, "/v1/completions", **values)
    assert found.status_code == 200, found.text
    return found.json()


def streamed(client, path, **values):
    """The events of a stream, without the mark at its end."""
    with client.stream("POST", path, json={**values, "stream": True}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = [line.removeprefix("data: ") for line in answer.iter_lines() if line]
    assert lines.pop() == "[DONE]"
    return [json.loads(line) for line in lines]


# ---------------------------------------------------------------- writing

REQUESTS = [
    dict(prompt="the old ", max_tokens=60, seed=5, n=3, temperature=1.0),
    dict(prompt=["mill", "the"], max_tokens=90, seed=6, top_p=0.8, repetition_penalty=1.3),
    dict(prompt="", max_tokens=50, seed=7, temperature=0, stop=["zz", "e t"]),
    dict(prompt="a long seed " * 90, max_tokens=30, seed=8, top_k=5, min_p=0.01, logprobs=2),
]


def expected(name, request, *, adapt=False):
    """The texts that `generate` writes."""
    asked = dict(request)
    seeds, stops = asked.pop("prompt"), asked.pop("stop", ())
    config = SampleConfig(
        length=asked.pop("max_tokens"),
        random_seed=asked.pop("seed"),
        **{name: value for name, value in asked.items() if name not in ("model", "n", "logprobs")},
    )
    model, choose = asked_model(load(RUNS / name), TextConfig(adapt=adapt))
    seeds = [seeds] if isinstance(seeds, str) else seeds
    found = generate_texts(model, seeds, config, count=asked.get("n", 1), stops=stops, choose=choose)
    return [text.continuation for text in found]


@pytest.mark.parametrize("name", WRITERS)
def test_texts_are_those_of_generate_whatever_is_written_beside_them(client, name):
    with ThreadPoolExecutor(8) as pool:
        asked = [request for request in REQUESTS for _ in range(2)]
        found = list(pool.map(lambda request: complete(client, model=name, **request), asked))
    for request, answer in zip(asked, found, strict=True):
        wanted = expected(name, request)
        assert [choice["text"] for choice in answer["choices"]] == [one.text for one in wanted]
        reasons = [{"length": "length"}.get(one.stop_reason, "stop") for one in wanted]
        assert [choice["finish_reason"] for choice in answer["choices"]] == reasons
        assert answer["usage"]["completion_tokens"] == sum(one.num_tokens for one in wanted)


def test_counts_go_on_counting_in_a_text_where_that_is_asked_for(client):
    request = dict(prompt=["zz the zz old " * 9, "mill"], max_tokens=80, seed=4, n=2)
    with ThreadPoolExecutor(8) as pool:
        found = list(
            pool.map(lambda adapt: complete(client, model="counts", adapt=adapt, **request), [True, False] * 4)
        )
    texts = [[choice["text"] for choice in answer["choices"]] for answer in found]
    plain, adapted = ([one.text for one in expected("counts", request, adapt=adapt)] for adapt in (False, True))
    assert texts == [adapted, plain] * 4 and adapted != plain
    assert post(client, "/v1/completions", model="lstm", prompt="a", adapt=True).status_code == 400


def test_a_stream_gives_the_whole_text_in_pieces(client):
    asked = dict(model="lstm", prompt=["the ", "old"], n=2, max_tokens=1500, seed=3, logprobs=1)
    whole = complete(client, **asked)
    events = streamed(client, "/v1/completions", **asked, stream_options={"include_usage": True})
    assert events.pop()["usage"] == whole["usage"] and len(events) > 8
    for choice in whole["choices"]:
        own = [event["choices"][0] for event in events if event["choices"][0]["index"] == choice["index"]]
        assert "".join(part["text"] for part in own) == choice["text"]
        assert [part["finish_reason"] for part in own] == [None] * (len(own) - 1) + ["length"]
        for key, values in choice["logprobs"].items():
            assert [value for part in own for value in part["logprobs"][key]] == values


@pytest.mark.parametrize("name", ["lstm", "bpe", "simple-word"])
def test_logprobs_are_those_of_the_tokens(client, name):
    asked = dict(model=name, prompt="the ", max_tokens=40, temperature=0, seed=1)
    choice = complete(client, **asked, logprobs=3)["choices"][0]
    found = choice["logprobs"]
    assert "".join(found["tokens"]) == choice["text"]
    for text, logprob, top in zip(found["tokens"], found["token_logprobs"], found["top_logprobs"], strict=True):
        assert len(top) == 3 and max(top.values()) < 0
        if text:  # at temperature 0 it is the most likely one, unless that ends the text or is reserved
            assert logprob == pytest.approx(max(value for other, value in top.items() if other != "<end>"))
    begins = [choice["text"].find(text, at) for text, at in zip(found["tokens"], found["text_offset"], strict=True)]
    assert begins == found["text_offset"]


def test_echo_begins_with_the_prompt(client):
    asked = dict(model="lstm", prompt="the ", max_tokens=20, seed=1)
    text = complete(client, **asked)["choices"][0]["text"]
    assert complete(client, **asked, echo=True)["choices"][0]["text"] == "the " + text
    events = streamed(client, "/v1/completions", **asked, echo=True)
    assert "".join(event["choices"][0]["text"] for event in events) == "the " + text


def test_echo_with_logprobs_measures_the_prompt(client):
    """Tokens of the prompt, and of what follows, are those of a text that is scored."""
    asked = dict(model="lstm", prompt=["the old mill", ""], max_tokens=9, seed=1, logprobs=2, echo=True)
    first, second = complete(client, **asked)["choices"]
    found, score = first["logprobs"], post(client, "/v1/score", model="lstm", input=first["text"], per_char=True).json()
    assert "".join(found["tokens"]) == first["text"] and first["text"].startswith("the old mill")
    bits = [one["bits"] for one in score["characters"]]
    assert [-logprob / math.log(2) for logprob in found["token_logprobs"]] == pytest.approx(bits, rel=1e-3, abs=1e-3)
    assert found["text_offset"] == [*range(len(first["text"]))] and len(second["logprobs"]["tokens"]) == 9
    events = streamed(client, "/v1/completions", **asked)
    own = [event["choices"][0] for event in events if event["choices"][0]["index"] == 0]
    for key in ("tokens", "token_logprobs", "text_offset"):
        assert [value for part in own for value in part["logprobs"][key]] == found[key]
    long = post(client, "/v1/completions", model="lstm", prompt="a" * 200_000, logprobs=1, echo=True)
    assert long.status_code == 400 and "/v1/score" in long.json()["error"]["message"]


def test_characters_that_the_model_never_saw_are_said(client):
    (warning,) = complete(client, model="lstm", prompt="the 你", max_tokens=3)["warnings"]
    assert "never saw '你'" in warning


@pytest.fixture
def official(client):
    """OpenAI's own client."""
    with openai.OpenAI(base_url=f"{client.base_url}/v1", api_key="none", max_retries=0) as found:
        yield found


def test_the_client_of_openai_works_unchanged(official):
    assert {model.id for model in official.models.list()} == {*WRITERS, *OTHERS}
    asked = dict(model="lstm", prompt="the ", max_tokens=50, seed=4, n=2, logprobs=2, stop="q")
    whole = official.completions.create(**asked)
    (first, second) = expected("lstm", {**asked, "stop": ["q"]})
    assert [choice.text for choice in whole.choices] == [first.text, second.text]
    assert len(whole.choices[0].logprobs.tokens) == len(first.text)
    parts = official.completions.create(**asked, stream=True)
    assert "".join(part.choices[0].text for part in parts if part.choices[0].index == 1) == second.text


def test_the_client_of_openai_chats(official):
    messages = [dict(role="system", content="Be brief."), dict(role="user", content=[dict(type="text", text="the?")])]
    asked = dict(model="lstm", messages=messages, max_completion_tokens=60, seed=4, user="me", presence_penalty=0)
    whole = official.chat.completions.create(**asked, logprobs=True, top_logprobs=2).choices[0]
    request = dict(prompt="Be brief.\nuser: the?\nassistant: ", max_tokens=60, seed=4, stop=["\n"])
    assert whole.message.content == expected("lstm", request)[0].text and whole.message.role == "assistant"
    assert "".join(token.token for token in whole.logprobs.content) == whole.message.content
    parts = list(official.chat.completions.create(**asked, stream=True))
    assert parts[0].choices[0].delta.role == "assistant"
    assert "".join(part.choices[0].delta.content or "" for part in parts) == whole.message.content


def test_errors_reach_the_client_of_openai(official):
    with pytest.raises(openai.NotFoundError, match="no model named 'gone'"):
        official.completions.create(model="gone", prompt="")
    with pytest.raises(openai.BadRequestError, match="temperature is 200"):
        official.completions.create(model="lstm", prompt="", temperature=200)


def test_a_chat_template_says_how_messages_are_joined(runs):
    with serving(runs, chat_template=ChatTemplate("A {user}\nB {assistant}|")) as client:
        said = [dict(role="user", content="x"), dict(role="assistant", content="y"), dict(role="user", content="z")]
        answer = post(client, "/v1/chat/completions", model="lstm", messages=said, seed=2, max_tokens=9).json()
    request = dict(prompt="A x\nB y|A z\nB ", seed=2, max_tokens=9, stop=["|"])
    assert answer["choices"][0]["message"]["content"] == expected("lstm", request)[0].text


@pytest.mark.parametrize("template", ["no fields", "{assistant} {user}", "{user}", "{user}{user}{assistant}"])
def test_a_chat_template_without_its_fields_is_refused(template, tmp_path):
    (tmp_path / "chats.txt").write_text("user: a\nassistant: b\n" * 20)
    for command in (["train", tmp_path / "chats.txt", "--models-dir", tmp_path], ["serve"]):
        refused(*command, "--chat-template", template, code=2, says=["--chat-template", "{user}"])


# ---------------------------------------------------------------- the other tasks


def test_score_measures_as_the_model_does(client):
    text, model = "the old miller\n", load(RUNS / "counts")
    found = post(client, "/v1/score", model="counts", input=text, per_char=True).json()
    assert found["bits_per_char"] == pytest.approx(model.score(text).bits_per_char)
    assert found["parts"].keys() == model.predictors.keys()
    assert found["parts"]["network"] == pytest.approx(model.score(text, use="network").bits_per_char)
    assert "".join(one["char"] for one in found["characters"]) == text
    total = sum(one["bits"] for one in found["characters"])
    assert total == pytest.approx(found["bits_per_char"] * len(text), rel=1e-3)


def test_classify_tells_what_the_classifier_does(client):
    texts = ["the old miller fine", "cold harsh rain", ""]
    found = post(client, "/v1/classify", model="combined", input=texts).json()
    for one, wanted in zip(found["data"], load(RUNS / "combined").classify(texts), strict=True):
        assert one["probabilities"] == pytest.approx(wanted.pop("probabilities"), rel=1e-5)
        assert {**one, **wanted, "confidence": 0} == {**wanted, "confidence": 0, "probabilities": one["probabilities"]}
    explained = post(client, "/v1/classify", input=texts[0], explain=True).json()["data"][0]
    assert [word["text"] for word in explained["words"]] == texts[0].split()


def test_a_table_comes_back_with_its_labels(client, tmp_path):
    table = "text,other\n" + "the old miller fine,1\n" * 40 + "\x1b[31mcold harsh rain,=2\n"
    found = client.post("/v1/classify/table?model=combined&name=../a b.csv", content=table.encode()).json()
    lines = base64.b64decode(found["content"]).decode().splitlines()
    assert lines[0] == "text,other,predicted,confidence,p(neg),p(pos),status" and len(lines) == 42
    assert lines[41].startswith("\x1b[31mcold harsh rain,=2,neg,")
    assert (found["rows"], found["name"]) == (41, "../a b.predicted.csv")
    assert [row["label"] for row in found["shown"]] == ["pos"] * 40 + ["neg"]
    said = client.post("/v1/classify/table?name=b.csv", content=b"\x00\x01").json()["error"]["message"]
    assert said.startswith("b.csv has a NUL byte")
    assert not re.search(r"textrnn-\w|/tmp", " ".join(found["summary"] + found["warnings"]))


def test_translate_and_answer(client):
    texts = ["hello", "", "x"]
    found = post(client, "/v1/translate", model="aligned", input=texts).json()["data"]
    assert [one["text"] for one in found] == load(RUNS / "aligned").translate(texts)
    asked = dict(story="Mira went to the mill.\nBen went home.", question="Where is Mira?")
    answer = load(RUNS / "answerer").answer(asked["story"], asked["question"])
    found = post(client, "/v1/answer", **asked).json()
    assert (found["answer"], found["confidence"]) == (answer.text, pytest.approx(answer.confidence))
    assert found["unseen"] == ["ben", "home"]


# ---------------------------------------------------------------- what is refused

LONG = "x" * 200_000
BAD = [
    ("/v1/completions", dict(model="../lstm"), 404, "no model named '../lstm'"),
    ("/v1/completions", dict(model="lstm/"), 404, "no model named"),
    ("/v1/completions", dict(model=str(RUNS / "lstm")), 404, "no model named"),
    ("/v1/completions", dict(model=".locks"), 404, "no model named"),
    ("/v1/completions", dict(model="a\x1b[31m"), 404, r"no model named 'a\x1b[31m'"),
    ("/v1/completions", dict(model="combined"), 400, "is a classifier"),
    ("/v1/completions", dict(model=3), 400, "model is 3"),
    ("/v1/completions", dict(prompt=[1, 2]), 400, "expected a text or a list of texts"),
    ("/v1/completions", dict(prompt=LONG), 413, "at most 100,000"),
    ("/v1/completions", dict(max_tokens=20_001), 400, "at most 20,000"),
    ("/v1/completions", dict(n=65), 400, "at most 64"),
    ("/v1/completions", dict(top_p=0), 400, "top_p is 0: expected a number above 0"),
    ("/v1/completions", dict(stop=""), 400, "empty"),
    ("/v1/completions", dict(model="lstm", max_tokens=20_000, n=9, logprobs=5), 400, "too many"),
    ("/v1/completions", dict(stop=["a"] * 17), 400, "at most 16"),
    ("/v1/completions", dict(best_of=2), 400, "best_of has no meaning here"),
    ("/v1/completions", dict(tempperature=1), 400, "unknown field 'tempperature'"),
    ("/v1/completions", dict(model="lstm", condition="good"), 400, "condition"),
    ("/v1/chat/completions", dict(messages=[]), 400, "messages"),
    ("/v1/chat/completions", dict(messages=[dict(role="king", content="x")]), 400, "role"),
    ("/v1/chat/completions", dict(messages=[dict(role=[], content="x")]), 400, "role"),
    ("/v1/score", dict(model="lstm", input=""), 400, "empty"),
    ("/v1/score", dict(input=LONG), 413, "at most 100,000"),
    ("/v1/classify", dict(input=[None]), 400, "expected a text"),
    ("/v1/translate", dict(beam=1000, input="x"), 400, "beam is 1000"),
    ("/v1/answer", dict(story=["x"], question=" "), 400, "question"),
    ("/v1/classify/table?name=a.exe", dict(), 400, "is no table"),
    ("/v1/classify/table?name=a.csv&model=combined", dict(), 400, "table"),
    ("/v1/nothing", dict(), 404, "no such path"),
]


@pytest.mark.parametrize(("path", "values", "status", "says"), BAD)
def test_a_request_that_cannot_be_answered_is_refused_with_a_reason(client, path, values, status, says):
    found = client.post(path, json=values)
    error = found.json()["error"]
    assert (found.status_code, error["code"]) == (status, status), error
    assert (
        says in error["message"] and "\n" not in error["message"] and "--" not in error["message"].split("serve --")[0]
    )


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"seed": 1' + b"0" * 5000 + b"}"])
def test_a_body_that_is_no_object_is_refused(client, body):
    assert client.post("/v1/completions", content=body).json()["error"]["message"].startswith("the request is no JSON")


def test_a_body_is_limited_whether_it_says_its_length_or_not(runs):
    with serving(runs, max_body=1) as client:
        for content in (b"x" * 1_100_000, iter([b"x" * 600_000] * 2)):
            assert client.post("/v1/score", content=content).status_code == 413


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:{port}", "Origin": "http://localhost:{port}"}, 200),
        ({"Host": "[::1]:{port}"}, 200),
        ({"Host": "evil.example"}, 421),
        ({"Host": "evil.example:{port}", "Origin": "http://evil.example:{port}"}, 421),
        ({"Host": "127.0.0.1.evil.example"}, 421),
        ({"Host": "10.0.0.1"}, 421),
        ({"Host": "box.local"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://good.example"}, 200),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
def test_host_and_origin_are_checked(runs, headers, status):
    with serving(runs, origins=["https://good.example"], hosts=["box.local"]) as client:
        own = {name: value.format(port=client.base_url.port) for name, value in headers.items()}
        found = client.get("/v1/models", headers=own)
        assert found.status_code == status
        allowed = found.headers.get("access-control-allow-origin")
        assert allowed == ("https://good.example" if "good" in headers.get("Origin", "") else None)
        preflight = {**own, "Access-Control-Request-Method": "POST"}
        asked = client.options("/v1/completions", headers=preflight)
        assert (asked.status_code == 204) == bool(allowed)


@pytest.mark.parametrize(
    ("given", "status"), [(None, 401), ("Bearer secret!!", 401), ("Bearer secret-token", 200), ("secret-token", 401)]
)
def test_a_token_is_asked_for_but_not_by_the_page(runs, given, status):
    with serving(runs, token="secret-token") as client:
        headers = {} if given is None else {"Authorization": given}
        assert client.get("/v1/models", headers=headers).status_code == status
        assert client.get("/page.js").status_code == 200


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--host", "0.0.0.0"], "--token"),
        (["--token", "short"], "8 or more"),
        (["--port", "99999"], "--port is 99999"),
        (["--host", "no.such.host.invalid", "--token", "secret-token"], "cannot listen"),
    ],
)
def test_serve_refuses_what_is_not_safe_or_not_possible(options, says):
    refused("serve", *options, code=1 if "invalid" in options[1] else 2, says=[says])


def test_a_port_that_is_taken_is_said():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused("serve", "--port", taken.getsockname()[1], code=1, says=["cannot listen", "--port"])


# ---------------------------------------------------------------- many at a time, and those that leave


def test_more_than_may_wait_is_refused_and_what_ends_makes_room(runs):
    with serving(runs, max_queue=4, max_texts=4) as client:
        long = dict(model="lstm", prompt="the", max_tokens=20_000, n=3)
        with client.stream("POST", "/v1/completions", json={**long, "stream": True}) as answer:
            lines = answer.iter_lines()
            next(lines)
            assert post(client, "/v1/completions", model="lstm", n=2).status_code == 429
            assert complete(client, model="lstm", n=1, max_tokens=3)
        assert until(lambda: client.service.places._left == 4)
        assert complete(client, model="lstm", n=4, max_tokens=3)


def until(true, seconds=10):
    """Whether something becomes true in time."""
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
    return true()


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_leaves_frees_its_places(client, stream):
    service = client.service
    places = service.places._left
    body = json.dumps(dict(model="lstm", prompt="the", max_tokens=20_000, n=8, stream=stream)).encode()
    head = f"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", client.base_url.port)) as connection:
        connection.sendall(head + body)
        assert until(lambda: service.places._left == places - 8)
    assert until(lambda: service.places._left == places)
    (engine,) = [one.engine for one in service.shelf._open.values() if one.name == "lstm"]
    assert until(lambda: not engine._jobs and not engine._batches)


@pytest.mark.parametrize("sent", [b"", b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n"])
def test_a_client_that_sends_no_request_is_cut(runs, monkeypatch, sent):
    monkeypatch.setattr(server_module, "HEAD_S", 0.3)
    with serving(runs) as client, socket.create_connection(("127.0.0.1", client.base_url.port)) as connection:
        connection.settimeout(20)
        connection.sendall(sent)
        assert connection.recv(1) == b""


def test_a_client_that_takes_nothing_is_cut(runs, monkeypatch):
    monkeypatch.setattr(server_module, "STALL_S", 0.3)
    asked = dict(model="lstm", prompt="the", max_tokens=20_000, n=2, logprobs=20, stream=True)
    body = json.dumps(asked).encode()
    head = f"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with serving(runs) as client, socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", client.base_url.port))
        connection.sendall(head + body)
        assert until(lambda: client.service.places._left < 256)
        assert until(lambda: client.service.places._left == 256, 30)


# ---------------------------------------------------------------- runs


def test_runs_are_listed_described_and_deleted(tmp_path):
    with serving(copied(tmp_path, "lstm", "linear", "answerer")) as client:
        listed = client.get("/v1/models").json()["data"]
        assert {run["id"]: run["kind"] for run in listed}["linear"] == "classifier"
        assert all(re.match(r"\d+\.\d+ (% right|bits/char)$", run["quality"]) for run in listed), listed
        run = client.get("/v1/models/lstm").json()
        assert re.search(r"456 parameters, [1-9]\d* kB$", dict(run["lines"])["what"])
        assert dict(run["lines"])["chat"].startswith("written as 'user: {user}")
        assert run["history"][0]["val_bits_per_char"] == pytest.approx(4.25187)
        assert complete(client, model="lstm", max_tokens=2) and not post(client, "/v1/score", model="no").is_success
        assert client.delete("/v1/models/lstm").json()["deleted"]
        assert client.delete("/v1/models/lstm").status_code == client.get("/v1/models/lstm").status_code == 404
        assert not (tmp_path / "lstm").exists() and (tmp_path / "linear").exists()
        assert "lstm" not in {one.name for one in client.service.shelf._open.values()}


def test_a_run_that_is_written_anew_is_opened_anew_and_the_least_used_is_let_go(tmp_path):
    with serving(copied(tmp_path, "lstm", "bpe", "esn"), max_models=2) as client:
        for name in ("lstm", "bpe", "lstm", "esn"):
            complete(client, model=name, max_tokens=2)
        assert [one.name for one in client.service.shelf._open.values()] == ["lstm", "esn"]
        (first,) = [one for one in client.service.shelf._open.values() if one.name == "lstm"]
        write_json(tmp_path / "lstm" / "run.json", read_run(tmp_path / "lstm"))
        complete(client, model="lstm", max_tokens=2)
        again = client.service.shelf._open[tmp_path / "lstm"]
        assert again is not first and until(lambda: first.name not in {t.name for t in threading.enumerate()})


def test_a_training_is_followed_until_it_ends(tmp_path):
    path = copied(tmp_path, "lstm") / "lstm"
    run, sample = read_run(path), {"step": 7, "text": "the \u4f60 cat"}
    write_json(path / "run.json", {**run, "status": "training"})

    def train():
        time.sleep(0.3)
        (path / "samples.jsonl").write_text(json.dumps({"step": 5}) + "\n" + json.dumps(sample) + "\n")
        time.sleep(1.2)
        write_json(path / "run.json", run)

    events = "/v1/models/lstm/events"
    with locked(tmp_path, "lstm"), serving(tmp_path) as client, client.stream("GET", events) as answer:
        training = threading.Thread(target=train)
        training.start()
        found = [json.loads(line.removeprefix("data: ")) for line in answer.iter_lines() if line]
        training.join()
    assert [one["status"] for one in found][:1] == ["training"] and found[-1]["status"] == run["status"]
    assert found[0]["sample"] is None and found[-1]["sample"] == sample


def test_a_training_leaves_its_samples(begun):
    lines = (begun / "models" / "lstm" / "samples.jsonl").read_text(encoding="utf-8").splitlines()
    steps = [json.loads(line)["step"] for line in lines]
    assert steps == sorted(set(steps)) and all(json.loads(line)["text"] for line in lines)


# ---------------------------------------------------------------- what is shown


def test_the_page_is_whole_and_asks_no_other_host(client):
    for path in ("/", "/page.css", "/page.js"):
        answer = client.get(path)
        assert answer.status_code == 200 and "default-src 'none'" in answer.headers["content-security-policy"]
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", answer.text)
        assert not re.search(r"innerHTML|eval\(|style=|onclick=\"", answer.text)
    script = (files("textrnn.serve") / "page" / "page.js").read_text(encoding="utf-8")
    english, chinese = (
        set(re.findall(r"(\w+): \"", part)) for part in re.findall(r"(?s)  (?:en|zh): \{(.*?)\n  \}", script)
    )
    used = set(re.findall(r"\bt\(\"(\w+)\"", script)) | set(re.findall(r'data-[tpl]="(\w+)"', client.get("/").text))
    assert english == chinese and used <= english


def test_the_description_has_every_field(client):
    paths = client.get("/openapi.json").json()["paths"]
    for path, kind in POSTS.items():
        schema = paths[path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert schema["properties"].keys() == {item.name for item, _ in fields_with_types(kind)}
        if "top_p" in schema["properties"]:
            assert schema["properties"]["top_p"].items() >= dict(exclusiveMinimum=0, maximum=1, default=1.0).items()


def test_ctrl_c_ends_requests_within_two_seconds_and_nothing_raw_reaches_the_terminal(runs, tmp_path):
    process = start("serve", "--models-dir", runs, "--port", "0", "--no-open", cwd=tmp_path)
    url = process.stdout.readline().split()[0]
    asked = dict(model="lstm", prompt="the", max_tokens=20_000, n=60, stream=True)
    evil = "\x1b]0;gone\x07\u202e"
    with httpx.Client(base_url=url, trust_env=False) as own:
        for path in (f"/v1/models/{quote(evil)}", f"/{quote(evil)}"):
            assert own.get(path).status_code == 404
        assert post(own, "/v1/completions", model=evil).status_code == 404
        with socket.create_connection(("127.0.0.1", own.base_url.port)) as connection:
            connection.sendall(b"\x1b[31m\x07 / HTTP/1.1\r\n\r\n")
            assert b"400" in connection.recv(99)
        with own.stream("POST", "/v1/completions", json=asked) as answer:
            lines = answer.iter_lines()
            next(lines)
            begin = time.monotonic()
            process.send_signal(signal.SIGINT)
            rest = [line for line in lines if line]
        out, err = process.communicate(timeout=10)
    assert time.monotonic() - begin < 2
    assert "server is ending" in rest[-1] and process.returncode == 0
    assert (out + err).isprintable() and not err
