"""What is hidden shows in nothing: two catalogues that differ in that alone answer alike.

A closed dataset is in one of the two nodes only, with the same PID asked for at both, so that
this also says that it cannot be told from one that never was; `test_closed_is_like_never` says it
once more within one node, for other spellings and methods.
"""

import re
from collections.abc import Iterable
from urllib.parse import quote

import matrix_catalogue as given
import matrix_probes as probes
import pytest
from matrix_cells import HTML, address, cells
from matrix_people import OUTSIDERS, Answer, Node, sees
from matrix_table import TABLE

GETS = [route for route in TABLE if route.startswith("GET")]
Asked = tuple[str, str, str, str]
"""Person, path at the first node, path at the other, what is accepted."""
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_USED = re.compile(r'"(requests|bytes|number)": \d+')
"""What one used of a budget, and the numbers of lines of the audit trail."""
_ASKED = re.compile(r"(?m)^(# \w+ )?panosc_(http|database|web|index)_.*\n")
"""How much was asked of a node until now, and what its processes are at."""
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE")
# one's own, counted in memory and written now and then: whether it has been yet tells nothing
_USAGE = re.compile(r'"usage": \[.*?\]', re.DOTALL)


def blanked(node: Node, answer: Answer) -> tuple[int, dict[str, str], str]:
    """Return an answer without its date, the node's address, and what was made at random."""

    request = answer.headers["x-request-id"]

    def blank(text: str) -> str:
        text = text.replace(node.address, "NODE").replace(
            node.address.removeprefix("http://"), "NODE"
        )
        for value, name in {**node.ids, request: "REQUEST"}.items():
            text = text.replace(value, name)
        # when this node first knew of something, by the clock of its database
        text = _USAGE.sub("USAGE", text)
        return _ASKED.sub("", _USED.sub("USED", _MOMENT.sub("MOMENT", text)))

    headers = {name: blank(value) for name, value in answer.headers.items() if name != "date"}
    return answer.status, headers, blank(answer.body)


def difference(first: object, second: object) -> str:
    """Return where two answers part, in a line."""
    one, other = str(first), str(second)
    place = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), 0)
    around = slice(max(0, place - 60), place + 80)
    return f"{one[around]!r} against {other[around]!r}"


def compared(node: Node, other: Node, asked: Iterable[Asked]) -> list[str]:
    """Return where the nodes answer differently, or fail."""
    wrong = []
    for person, path, twin, accept in asked:
        answers = []
        for one, where in ((node, path), (other, twin)):
            answer = one.ask(person, "GET", where, headers={"Accept": accept})
            status, headers, body = blanked(one, answer)
            # how long it took is nobody's secret
            body = re.sub(r'"seconds":[0-9.e-]+', '"seconds":0', body)
            # one port may have another number of digits than the other
            headers["content-length"] = str(len(body))
            if "NODE" in body:
                # a tag is of the body, and this one names the port; the body itself is compared
                headers.pop("etag", None)
            answers.append((status, headers, body))
        if answers[0] != answers[1]:
            wrong.append(f"{person} · GET {path}: {difference(*answers)}")
        elif answers[0][0] >= 500 and "/away" not in path:
            wrong.append(f"{person} · GET {path}: {answers[0][0]}")
    return wrong


def in_turn(paths: Iterable[str], accept: str) -> Iterable[Asked]:
    """Yield each path with one of the persons without right, who take turns."""
    for number, path in enumerate(paths):
        yield OUTSIDERS[number % len(OUTSIDERS)], path, path, accept


@pytest.mark.parametrize("route", GETS)
def test_every_route_answers_alike(route: str, node: Node, other: Node) -> None:
    rule = TABLE[route]
    accept = HTML if rule.is_page else "*/*"
    asked = []
    # what happened to what is closed stands in the audit trail
    persons = [person for person in OUTSIDERS if person not in rule.names_pids]
    for place, person in enumerate(persons):
        pairs = zip(
            cells(route, rule, node, person), cells(route, rule, other, person), strict=True
        )
        for number, (cell, twin) in enumerate(pairs):
            # records share the persons out among them, and each has a stranger
            if cell.record is None or person == "stranger" or number % len(persons) == place:
                asked.append((person, cell.path, twin.path, accept))
    wrong = compared(node, other, asked)
    assert not wrong, "\n" + "\n".join(wrong)


def test_no_filter_order_range_or_page_tells(node: Node, other: Node) -> None:
    wrong = compared(node, other, in_turn(probes.filters(), "*/*"))
    assert not wrong, "\n" + "\n".join(wrong)


def test_no_search_facet_or_mistake_tells(node: Node, other: Node) -> None:
    paths = [*probes.searches(), *probes.mistakes()]
    wrong = compared(node, other, in_turn(paths, HTML))
    assert not wrong, "\n" + "\n".join(wrong)


def test_probes_find_what_may_be_seen(node: Node, other: Node) -> None:
    """The questions are good: to a member of the team they do tell."""
    asked = [("member", path, path, "*/*") for path in probes.filters()]
    assert len(compared(node, other, asked[::20])) > len(asked) / 20 / 4


PLAIN = {"GET", "HEAD", "OPTIONS"}


def paths_of(record: given.Record, pid: str, node: Node) -> list[tuple[str, str | None, str]]:
    """Return (path, body, kind of body) of all routes that take a PID, in several spellings."""
    found: list[tuple[str, str | None, str]] = []
    for route, rule in TABLE.items():
        if rule.of != record.model:
            continue
        body = rule.body and rule.body.replace("{pid}", pid)
        for encoded in (False, True):
            path = address(route, rule, node, record.key, pid, encoded=encoded)
            path = path.replace(f"share-{record.key}", "0" * 16)
            found.append((path, body, rule.kind))
            if "/panosc-api/" in path and "?" not in path:
                found.append((path.replace("Datasets", "datasets") + "/", body, rule.kind))
    if record.model == "Dataset":
        found += [(path, None, "") for path in probes.about(pid)]
    return found


@pytest.mark.parametrize(
    ("key", "person"),
    [
        ("closed-said", "anonymous"),
        ("closed-said", "stranger"),
        ("closed-ruled", "administrator"),
        ("document-closed", "guest"),
    ],
)
def test_closed_is_like_never(key: str, person: str, node: Node) -> None:
    record = given.BY_KEY[key]
    never = given.never_like(record)
    assert len(never) == len(record.pid)
    assert not sees(person, record.model, "closed")
    wrong = []
    asked = dict.fromkeys(
        zip(paths_of(record, record.pid, node), paths_of(record, never, node), strict=True)
    )
    for (path, body, kind), (twin, other_body, _) in asked:
        # spellings are of the path, and alike for all methods
        for method in METHODS if "%2F" not in path else ("GET",):
            answers = []
            for pid, where, sent in ((record.pid, path, body), (never, twin, other_body)):
                headers = {"Accept": HTML, "Content-Type": kind or "application/json"}
                content = None if method in PLAIN else sent
                answer = node.ask(person, method, where, body=content, headers=headers)
                answers.append(without(pid, blanked(node, answer)))
            if answers[0] != answers[1]:
                wrong.append(f"{person} · {method} {path}: {difference(*answers)}")
            elif answers[0][0] >= 500:
                wrong.append(f"{person} · {method} {path}: {answers[0][0]}")
    assert not wrong, "\n" + "\n".join(wrong)


def without(pid: str, answer: tuple[int, dict[str, str], str]) -> tuple[int, object, str]:
    """Return an answer with a PID blanked in every spelling; lengths stay."""
    status, headers, body = answer
    text = [str(sorted(headers.items())), body]
    for spelling in (pid, quote(pid, safe=""), quote(quote(pid, safe=""), safe=""), pid[:-1]):
        text = [item.replace(spelling, "PID") for item in text]
    return status, text[0], text[1]
