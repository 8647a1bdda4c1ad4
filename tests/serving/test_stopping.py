"""A node stops gracefully, and leaves nothing when it is killed."""

import os
import signal
import threading

import httpx
import pytest
import sqlalchemy as sa
from serving_node import running, until


def terminate(node):
    node.process.send_signal(signal.SIGTERM)


def interrupt(node):
    """Press Ctrl-C: all of the foreground gets it."""
    os.killpg(node.process.pid, signal.SIGINT)


@pytest.mark.parametrize(("workers", "stop"), [("1", terminate), ("2", interrupt)])
def test_a_stop_lets_a_slow_request_finish(database_url, tmp_path, workers, stop):
    with running(tmp_path / "home", database_url, "--workers", workers) as node:
        engine = sa.create_engine(database_url.replace("postgresql:", "postgresql+psycopg:"))
        found = []
        with engine.begin() as connection:
            connection.exec_driver_sql("lock table dataset in access exclusive mode")
            asking = threading.Thread(
                target=lambda: found.append(node.get("/panosc-api/Datasets/count"))
            )
            asking.start()
            waits = sa.text("select count(*) from pg_locks where not granted")
            assert until(lambda: connection.execute(waits).scalar_one() > 0)
            stop(node)
            assert until(lambda: refuses(node), within_s=5)
            assert node.process.poll() is None
        engine.dispose()
        asking.join(20)
        assert [answer.status_code for answer in found] == [200]
        assert node.process.wait(20) == 0
        assert until(lambda: not node.left())
        assert node.log.read_text() == ""


def refuses(node):
    try:
        node.get("/-/health")
    except httpx.ConnectError:
        return True
    except httpx.TransportError:
        return False
    return False


def test_a_killed_leader_leaves_no_process(database_url, tmp_path):
    with running(tmp_path / "home", database_url, "--workers", "2") as node:
        assert len(node.workers()) == 2
        node.process.kill()
        node.process.wait(10)
        assert until(lambda: not node.left())
