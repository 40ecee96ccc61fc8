"""Workers connected in one process: what they agree on, and what they say when one is gone."""

import contextlib
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from textrnn.base.errors import DataError
from textrnn.language_model.launch import free_addresses
from textrnn.training import link as link_module
from textrnn.training import wire
from textrnn.training.cluster import Cluster
from textrnn.training.link import Link, WorkerError
from textrnn.training.team import Alone, Team
from textrnn.training.wire import HEAD


class Ended(threading.Event):
    """Stands for the end of a process."""

    def __call__(self, error):
        self.message = str(error)
        self.set()


def run_all(workers, act):
    """Runs `act(team)` in a thread for each worker; returns what each gave or raised, by rank."""
    addresses = tuple(free_addresses(workers))

    def one(rank):
        try:
            with Link(Cluster(addresses, rank), end=Ended()) as link:
                if rank == 0:
                    link.wait_for_all()
                return act(Team(link))
        except Exception as error:
            return error

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(one, range(workers)))


def test_team_has_one_clock():
    def act(team):
        seen = [team.now()]
        for _ in range(3):
            team.tick()
            seen += [team.now(), team.now()]
        return seen

    clocks = run_all(3, act)
    assert clocks[0][1:] == clocks[1][1:] == clocks[2][1:]
    assert clocks[0] == sorted(clocks[0])


def test_team_stops_at_the_same_tick_whoever_is_asked():
    asked = threading.Event()

    def act(team):
        team.listen(lambda: team.rank == 2 and asked.is_set())
        steps = 0
        while not team.is_asked():
            team.tick()
            steps += 1
            if team.rank == 0 and steps == 5:
                asked.set()
            team.total(0.0)  # as a step's collective does, this keeps them together
        return steps

    steps = run_all(3, act)
    assert steps[0] == steps[1] == steps[2] > 5


def test_team_adds_up():
    assert run_all(3, lambda team: team.total(10.0**team.rank)) == [111.0] * 3
    assert np.isnan(run_all(2, lambda team: team.total(np.inf if team.rank else 1.0))).all()


def test_team_gathers_rows_in_the_order_of_ranks():
    rows = np.arange(10, dtype=np.float32).reshape(5, 2)
    found = run_all(2, lambda team: team.gather([rows[:2] if team.is_chief else rows[2:], rows[:1] + team.rank]))
    np.testing.assert_array_equal(found[0][0], rows)
    np.testing.assert_array_equal(found[0][1], [[0, 1], [1, 2]])
    assert found[1] == []
    assert run_all(2, lambda team: team.gather([])) == [[], []]


def test_team_shares_what_the_chief_has():
    def act(team):
        own = {"a": np.full((2, 3), team.rank, np.float32), "step": np.asarray(7 + team.rank)}
        return team.share({"rank": team.rank, "nothing": None}, own)

    for values, arrays in run_all(3, act):
        assert values == {"rank": 0, "nothing": None}
        np.testing.assert_array_equal(arrays["a"], np.zeros((2, 3)))
        assert (arrays["step"].shape, arrays["step"].dtype, int(arrays["step"])) == ((), np.int64, 7)


def test_alone_is_a_team_of_one():
    team = Alone()
    assert (team.rank, team.workers, team.is_chief, team.is_asked()) == (0, 1, True, False)
    team.listen(lambda: True)
    before = team.now()
    team.tick()
    assert team.is_asked() and team.now() >= before
    assert (team.total(2.5), team.gather([1]), team.share({"a": 1}, {})) == (2.5, [1], ({"a": 1}, {}))


# ---------------------------------------------------------------- loss


def test_link_tells_who_is_gone(monkeypatch):
    """Worker 1 closes its connection without a word, as the system does for a process that was killed."""
    monkeypatch.setattr(link_module, "GRACE_S", 60.0)

    def act(team):
        team.note("look in models/x")
        team.tick()
        if team.rank == 1:
            team._link._peers[0].close()
            return None
        team._link.check(wait_s=60.0)

    found = run_all(3, act)
    for error in (found[0], found[2]):
        assert str(error) == "worker 1 of 3 is gone (its connection was closed); look in models/x"
    assert not found[0].told and found[2].told


def test_link_tells_that_the_chief_is_gone():
    def act(team):
        team.tick()
        if team.is_chief:
            team._link._closed.set()  # it says nothing any more
            for peer in team._link._peers.values():
                peer.close()
            return None
        team.tick()

    found = run_all(3, act)
    for error in found[1:]:
        assert str(error).startswith("worker 0 of 3 (the chief) is gone (") and not error.told


def test_link_tells_why_a_worker_failed():
    def act(team):
        if team.rank == 1:
            raise DataError("the text is empty")
        team._link.receive("ready", 1)

    found = run_all(2, act)
    assert str(found[0]) == "worker 1 of 2 has failed: the text is empty"
    assert isinstance(found[1], DataError)


def test_link_ends_a_process_that_hangs(monkeypatch):
    monkeypatch.setattr(link_module, "GRACE_S", 0.05)
    addresses, ended, hanging = tuple(free_addresses(2)), Ended(), threading.Event()

    def chief():
        with Link(Cluster(addresses, 0), end=ended) as link:
            link.wait_for_all()
            hanging.wait()  # in a collective that nobody answers

    thread = threading.Thread(target=chief)
    thread.start()
    with contextlib.suppress(RuntimeError), Link(Cluster(addresses, 1), end=Ended()) as link:
        link._peers[0].close()
        raise RuntimeError("killed")
    ended.wait()
    hanging.set()
    thread.join()
    assert ended.message.startswith("worker 1 of 2 is gone (")


def test_link_that_ends_well_alarms_nobody():
    def act(team):
        team.total(1.0)
        if team.rank:
            return "done"
        for peer in team._link._peers.values():
            while not peer.said_bye:
                pass
        team.check()
        return "done"

    assert run_all(3, act) == ["done"] * 3


def test_link_misses_a_silent_worker(monkeypatch):
    monkeypatch.setattr(wire, "PING_S", 0.05)
    addresses = tuple(free_addresses(2))
    with Link(Cluster(addresses, 0), end=Ended()) as chief, Link(Cluster(addresses, 1), end=Ended()) as link:
        chief.wait_for_all()
        link._closed.set()  # it sends no pings any more, and its connection stays open
        with pytest.raises(WorkerError, match=r"worker 1 of 2 is gone \(silent for"):
            chief.check(wait_s=60.0)


def test_link_out_of_step_is_told():
    found = run_all(2, lambda team: team.total(1.0) if team.is_chief else team._link.send({"kind": "tick"}))
    assert str(found[0]).startswith("worker 1 of 2 is out of step: it sent 'tick', not 'part'")


# ---------------------------------------------------------------- who may join


def test_link_that_has_failed_tells_those_who_come_late():
    addresses, failing = tuple(free_addresses(2)), threading.Event()

    def chief():
        with pytest.raises(DataError), Link(Cluster(addresses, 0)):
            failing.set()
            raise DataError("there is no such file")

    thread = threading.Thread(target=chief)
    thread.start()
    failing.wait()
    with Link(Cluster(addresses, 1), end=Ended()) as link:
        with pytest.raises(WorkerError, match=r"\(the chief\) has failed: there is no such file") as found:
            link.receive("setup")
        assert found.value.told
    thread.join()


def test_wait_for_all_names_who_is_missing(monkeypatch):
    monkeypatch.setattr(link_module, "JOIN_S", 0.05)
    monkeypatch.setattr(link_module, "LINGER_S", 0.05)
    addresses = tuple(free_addresses(3))
    with pytest.raises(WorkerError) as found, Link(Cluster(addresses, 0)) as link:
        link.wait_for_all()
    assert str(found.value).startswith("2 of 3 workers did not come")
    assert f"{addresses[1]} (worker 1), {addresses[2]} (worker 2)" in str(found.value)
    with pytest.raises(WorkerError, match="the chief does not answer on port"), Link(Cluster(addresses, 1)):
        pass


def test_link_listens_on_a_port_that_is_taken():
    cluster = Cluster(tuple(free_addresses(2)), 0)
    with socket.create_server(cluster.link_address), pytest.raises(WorkerError, match="cannot listen on port"):
        Link(cluster).__enter__()


@pytest.mark.parametrize(
    "other",
    [
        lambda cluster: Cluster((*cluster.addresses[:1], "elsewhere:1"), 1),  # other addresses
        lambda cluster: Cluster(cluster.addresses, 7),  # no such rank
    ],
)
def test_link_lets_in_no_worker_of_another_training(other, monkeypatch):
    cluster = Cluster(tuple(free_addresses(2)), 0)
    with Link(cluster) as chief:
        with pytest.raises(WorkerError, match="the chief does not let this worker in") as found, Link(other(cluster)):
            pass
        assert "same TF_CONFIG" in str(found.value)
        assert chief._peers == {}
        with Link(Cluster(cluster.addresses, 1)):
            chief.wait_for_all()
            with pytest.raises(WorkerError, match="this worker is here already"), Link(Cluster(cluster.addresses, 1)):
                pass
            chief.check()


@pytest.mark.parametrize(
    "data", [b"GET / HTTP/1.1\r\n\r\n", HEAD.pack(2**31, 0), HEAD.pack(2, 0) + b"[]", b"\xff" * 64]
)
def test_link_survives_what_is_no_worker(data):
    cluster = Cluster(tuple(free_addresses(2)), 0)
    with Link(cluster) as chief:
        with socket.create_connection(cluster.link_address) as stranger:
            stranger.sendall(data)
            stranger.recv(4096)  # told, or hung up on
        with Link(Cluster(cluster.addresses, 1)):
            chief.wait_for_all()
