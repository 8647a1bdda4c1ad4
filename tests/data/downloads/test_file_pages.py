"""Pages: the files of a dataset, links without sign-in, and the selection, without JavaScript."""

import re
import subprocess
from urllib.parse import quote

import download_node as given
import httpx
import pytest
import sqlalchemy as sa
from download_node import (
    CLOSED,
    EMBARGOED,
    EVIL,
    FILES,
    MEMBER,
    OPEN,
    STRANGER,
    TAPE,
    WITHDRAWN,
    unpacked,
)

from panosc.catalogue.tables import group_member
from panosc.data.downloads.selecting import cookie
from panosc.identity.keys import node_keys

HTML = {"Accept": "text/html"}


def page(node, path, person=None, **cookies):
    with node.client(person, **HTML) as client:
        return client.get(path, headers={"Cookie": cookies["cookie"]} if cookies else None)


def test_the_files_page_tells_what_can_be_done(node):
    text = page(node, f"/datasets/{OPEN}/-/files").text
    assert "4 files." in text
    total = sum(FILES[OPEN].values())
    assert total == 3_075_000
    assert "Download all (3.08 MB)" in text
    for name in FILES[OPEN]:
        assert f"/datasets/{OPEN}/-/download?file={quote(name, safe='')}" in text
    assert f"/datasets/{OPEN}/-/view?file=run-1.nxs" in text
    assert "view?file=empty.txt" not in text
    assert "app.globus.org/file-manager?origin_id=0a1b2c3d" in text
    assert "origin_path=%2Fraw%2Fopen%2F" in text
    assert 'href="https://data.example/"' in text
    assert "as=curl" in text
    assert "as=urls" in text
    assert "Link without sign-in" not in text


@pytest.mark.parametrize(
    ("match", "count"),
    [("*.nxs", 2), ("run-?.NXS", 2), ("π", 1), ("logs/*", 1), ("100%", 0), ("run_1", 0), ("(", 0)],
    ids=range(7),
)
def test_the_filter_of_the_page_and_of_downloads_agree(node, match, count):
    text = page(node, f"/datasets/{OPEN}/-/files?match={quote(match)}").text
    assert text.count('aria-label="Download ') == count
    listed = node.get(f"/datasets/{OPEN}/-/download?as=urls&match={quote(match)}")
    assert listed.text.count("\n") == count if count else listed.status_code == 404


def test_a_page_for_each_hundred_of_ten_thousand(node):
    with node.engine.begin() as connection:
        connection.execute(
            sa.text(
                "insert into file (name, size, dataset_id) select 'many-' || lpad(n::text, 5, '0'),"
                " 1, (select id from dataset where pid = :pid) from generate_series(1, 10000) n"
            ),
            {"pid": given.EVIL},
        )
    try:
        text = page(node, f"/datasets/{EVIL}/-/files?page=50").text
        assert "10,010 files, showing 4901 to 5000" in text
        assert text.count("<tr>") == 101
        assert len(text) < 100_000
        assert "Not at this node" in text
        assert 'rel="next"' in text
        assert 'rel="prev"' in text
        assert "No file is called so" not in page(
            node, f"/datasets/{EVIL}/-/files?page=999999&match=many"
        ).text.replace("No file is called so", "", 1)
    finally:
        with node.engine.begin() as connection:
            connection.execute(sa.text("delete from file where name like 'many-%'"))


def test_states_of_files_and_who_sees_them(own_node):
    assert "On tape" in page(own_node, f"/datasets/{TAPE}/-/files").text
    assert "1 file of 2 is not on disk" in page(own_node, f"/datasets/{TAPE}/-/files").text
    own_node.path(OPEN, "run-1.nxs").unlink()
    own_node.path(OPEN, "run-2.nxs").write_bytes(b"x")
    text = page(own_node, f"/datasets/{OPEN}/-/files").text
    assert "Gone at its source" in text
    assert "Changed at its source" in text
    for pid, person, status in (
        (EMBARGOED, None, 404),
        (CLOSED, STRANGER, 404),
        (WITHDRAWN, MEMBER, 404),
        (EMBARGOED, MEMBER, 200),
    ):
        assert page(own_node, f"/datasets/{pid}/-/files", person).status_code == status
    # the page of the dataset offers what may be had, and nothing else
    assert "Download all" in page(own_node, f"/datasets/{OPEN}").text
    assert "Download all" not in page(own_node, f"/datasets/{EMBARGOED}").text
    assert "Download all" in page(own_node, f"/datasets/{EMBARGOED}", MEMBER).text


def made_link(node, pid, person=MEMBER, **form):
    """Make a link on the page as a browser does; return its path."""
    with node.client(person, **HTML) as client:
        path = f"/datasets/{pid}/-/files"
        answer = client.post(f"{path}/link", data=form)
        assert answer.status_code == 303, answer.text
        assert answer.headers["location"] == path
        cookie = answer.headers["set-cookie"].partition(";")[0]
        both = {"Cookie": f"{node.cookies[person]}; {cookie}"}
        shown = client.get(path, headers=both)
        assert shown.headers["cache-control"].endswith("no-store")
        found = re.search(r"<code>(http[^<]*signed=[^<]*)</code>", shown.text)
        # to nobody else
        other = client.get(path, headers={"Cookie": f"{node.cookies[STRANGER]}; {cookie}"})
        assert "signed=" not in other.text
    return found[1].replace("&amp;", "&").removeprefix(node.address)


def test_a_link_gives_one_file_for_some_days_and_never_more_than_its_maker_has(own_node):
    node = own_node
    path = made_link(node, EMBARGOED, file="run-1.nxs", days="3")
    whole = made_link(node, EMBARGOED, file="", days="7")
    data = given.content(EMBARGOED, "run-1.nxs", 60_000)
    assert node.get(path).content == data
    assert node.get(path, Range="bytes=5-9").content == data[5:10]
    signed = path.partition("signed=")[2]
    for other in (
        f"/datasets/{EMBARGOED}/-/download?signed={signed}",
        f"/datasets/{CLOSED}/-/download?file=run-1.nxs&signed={signed}",
        path.replace("run-1", "run-2"),
        path[:-3] + "AAA",
        path.replace("signed=", "as=json&signed="),
    ):
        assert node.get(other).status_code == 403, other
    given.later(node, days=2.9)
    assert node.get(path).status_code == 200
    given.later(node, days=0.2)
    assert node.get(path).status_code == 403
    assert node.get(whole).headers["content-type"] == "application/zip"
    # whoever made it leaves the team
    with node.engine.begin() as connection:
        connection.execute(sa.delete(group_member).where(group_member.c.person == MEMBER))
    assert node.get(whole).status_code == 403
    with node.engine.begin() as connection:
        row = {"group": given.TEAM, "person": MEMBER, "role": "team"}
        connection.execute(sa.insert(group_member).values(**row))
    assert node.get(whole).status_code == 200
    given.withdraw(node, EMBARGOED)
    assert node.get(whole).status_code == 410


def test_who_makes_links(node):
    form = {"file": "run-1.nxs", "days": "1"}
    for pid, person, status in (
        (EMBARGOED, None, 401),
        (EMBARGOED, STRANGER, 403),
        (CLOSED, STRANGER, 404),
        (WITHDRAWN, MEMBER, 410),
    ):
        with node.client(person, **HTML) as client:
            answer = client.post(f"/datasets/{pid}/-/files/link", data=form)
        assert answer.status_code == status, (pid, person)
    with node.client(MEMBER, **HTML) as client:
        for wrong in ({"days": "8"}, {"days": "0"}, {"days": "x"}):
            answer = client.post(f"/datasets/{EMBARGOED}/-/files/link", data=form | wrong)
            assert answer.status_code == 422


def test_lists_with_links(node):
    with node.client(MEMBER) as client:
        urls = client.get(f"/datasets/{EMBARGOED}/-/download?as=urls&days=1").text.split()
    assert [node.get(url.removeprefix(node.address)).status_code for url in urls] == [200]
    assert node.get(f"/datasets/{OPEN}/-/download?as=urls&days=1").status_code == 403
    with node.client(MEMBER) as client:
        assert client.get(f"/datasets/{OPEN}/-/download?as=urls&days=8").status_code == 422


@pytest.mark.parametrize("pid", [OPEN, EVIL])
def test_the_script_fetches_and_checks_everything(node, tmp_path, pid):
    script = node.get(f"/datasets/{pid}/-/download?as=curl").text
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "download.sh"
    path.write_text(script)

    def run():
        return subprocess.run(
            ["sh", "download.sh"], cwd=tmp_path / "in", capture_output=True, text=True, check=False
        )

    done = run()
    assert done.returncode == 0, done
    found = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    assert len(found) == 1 + len(FILES[pid])
    assert all(name.startswith("in/") for name in found)
    if pid == OPEN:
        for name, size in FILES[pid].items():
            assert (tmp_path / "in" / name).read_bytes() == given.content(pid, name, size)
        # it goes on where it broke off, and tells what is wrong
        kept = tmp_path / "in" / "run-1.nxs"
        kept.write_bytes(kept.read_bytes()[:1_000_000])
        assert run().returncode == 0
        assert kept.stat().st_size == 3_000_000
        kept.write_bytes(b"x" * 3_000_000)
        assert run().returncode != 0


def test_a_script_uses_the_token_that_it_is_given(node, tmp_path):
    script = node.get(f"/datasets/{EMBARGOED}/-/download?as=curl", MEMBER).text
    assert "signed=" not in script
    assert node.cookies[MEMBER].partition("=")[2] not in script
    (tmp_path / "download.sh").write_text(script)
    done = subprocess.run(["sh", "download.sh"], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode != 0
    assert not (tmp_path / "run-1.nxs").exists()


def test_other_lists(node):
    manifest = node.get(f"/datasets/{OPEN}/-/download?as=manifest")
    assert len(manifest.text.splitlines()) == 3
    aria2 = node.get(f"/datasets/{EVIL}/-/download?as=aria2").text
    names = re.findall(r"^  out=(.*)$", aria2, re.MULTILINE)
    assert len(names) == len({name.casefold() for name in names}) == len(FILES[EVIL])
    assert not any(name.startswith(("/", ".")) or ".." in name.split("/") for name in names)
    assert aria2.count("  checksum=sha-256=") == len(FILES[EVIL])
    globus = node.get(f"/datasets/{OPEN}/-/download?as=globus").text.splitlines()
    assert globus[0].startswith("# globus transfer --batch")
    assert "/raw/open/0.dat run-1.nxs" in globus
    told = node.get(f"/datasets/{TAPE}/-/download?as=json").json()
    assert [(file["name"], file["tier"]) for file in told["files"]] == [
        ("disk.nxs", "online"),
        ("tape.nxs", "nearline"),
    ]
    assert told["files"][0]["links"][0]["kind"] == "globus"
    assert node.get(told["files"][0]["url"].removeprefix(node.address)).status_code == 200
    assert node.get(f"/datasets/{OPEN}/-/download?as=nothing").status_code == 422


class Cart:
    """A browser without JavaScript that keeps its cookies."""

    def __init__(self, node, person=None):
        self.node, self.person, self.cookie = node, person, ""

    def _headers(self):
        mine = [self.node.cookies[self.person]] if self.person else []
        return {**HTML, "Cookie": "; ".join([*mine, *([self.cookie] if self.cookie else [])])}

    def get(self, path="/selection"):
        return self.node.get(path, **self._headers())

    def post(self, what, **form):
        with httpx.Client(base_url=self.node.address, trust_env=False) as client:
            answer = client.post(
                f"/selection/{what}",
                data=form,
                headers=self._headers() | {"Origin": self.node.address},
            )
        if answer.status_code == 303:
            self.cookie = answer.headers["set-cookie"].partition(";")[0]
        return answer


def test_a_selection_across_datasets(node):
    cart = Cart(node)
    assert "Nothing is selected" in cart.get().text
    assert cart.get("/selection/download").status_code == 404
    for pid in (OPEN, TAPE, EMBARGOED, OPEN):
        assert cart.post("add", pid=pid).status_code == 303
    text = cart.get().text
    assert re.search("3 datasets of at most 100; to fetch: 6 files, 3.1[12] MB on disk", text)
    assert "1 dataset you may not fetch" in text
    assert "1 file is not on disk" in text
    assert "60 kB" not in text
    assert "Take out of the selection" in cart.get(f"/datasets/{OPEN}").text
    answer = cart.get("/selection/download")
    assert answer.status_code == 422
    answer = cart.get("/selection/download?online=true")
    assert answer.status_code == 200
    assert "private" not in answer.headers["content-type"]
    folder, found = unpacked(answer.content)
    assert folder == "selection"
    assert "data/10.5072_open/run-1.nxs" in found
    assert "data/10.5072_tape/disk.nxs" in found
    assert not any("embargoed" in name for name in found)
    assert "Title of 10.5072/tape" in found["README.txt"].decode()
    # signed in, the same selection gives more
    cart.person = MEMBER
    assert "to fetch: 7 files" in cart.get().text
    assert cart.get("/selection/download?as=urls").text.count("\n") == 6
    assert cart.post("remove", pid=OPEN).status_code == 303
    assert OPEN not in cart.get().text
    assert cart.post("remove").status_code == 303
    assert "Nothing is selected" in cart.get().text


def test_what_nobody_may_know_of_cannot_be_selected(node):
    cart = Cart(node)
    for pid, status in ((CLOSED, 404), (given.NEVER, 404), (given.ERASED, 410), ("", 404)):
        assert cart.post("add", pid=pid).status_code == status
    cart.cookie = "panosc_selection=eyJhbGciOiJIUzI1NiJ9.eyJkIjoiIn0.AAAA"
    assert "Nothing is selected" in cart.get().text
    member = Cart(node, MEMBER)
    assert member.post("add", pid=CLOSED).status_code == 303
    member.person = None
    text = member.get().text
    assert CLOSED not in text
    assert "1 dataset of your selection is not here any more" in text


def test_a_selection_is_bounded_and_fits_into_a_cookie(node):
    keys = node_keys(node.settings)
    full = cookie.write(keys, [2**63 - 1 - number for number in range(cookie.MOST)])
    assert len(full) < 3000
    cart = Cart(node)
    cart.cookie = f"{cookie.COOKIE}={full}"
    assert cart.post("add", pid=OPEN).status_code == 409
