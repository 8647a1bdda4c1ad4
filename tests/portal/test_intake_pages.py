"""Pages of data managers: what they say of real ingests, and what their forms do."""

import html
import re
from datetime import timedelta

import intake_catalogue as given
import pytest
import signed_in
import sqlalchemy as sa

from panosc.catalogue.intake import announcement, quarantine, run_record
from panosc.catalogue.people import audit
from panosc.catalogue.tables import dataset, instrument, parameter
from panosc.catalogue.tape.tables import recall, tape_mount
from panosc.ingest.runs.entries import Changed
from panosc.portal.pages.intake.wording import changes, operation_words, span

STEWARDS = [
    "/ingest",
    "/ingest?kind=edit",
    "/ingest/runs/1",
    "/ingest/runs/1/undo",
    "/ingest/quarantine",
    "/ingest/tape",
    "/ingest/edit",
    f"/datasets/{signed_in.OPEN}/-/edit",
    f"/datasets/{signed_in.CLOSED}/-/edit",
]
FORMS = [
    "/ingest/runs/1/undo",
    "/ingest/quarantine/retry",
    "/ingest/announcements/retry",
    "/ingest/edit",
    "/ingest/edit/apply",
    f"/datasets/{signed_in.OPEN}/-/edit",
    f"/datasets/{signed_in.CLOSED}/-/edit",
]


@pytest.fixture(scope="module")
def house(new_database, template, open_folder):
    profile = given.profile(open_folder / "intake-profile")
    home = open_folder / "intake-pages"
    with signed_in.house(new_database, template, home, profile=str(profile)) as found:
        yield found


@pytest.fixture(scope="module")
def root(open_folder):
    return given.fill(open_folder / "intake-files")


@pytest.fixture
def taken(house, root):
    """The run that took all files in; nothing of any test is left after it."""
    house.time[0] = signed_in.NOW
    yield given.taken(house, root)
    given.everything_undone(house)


@pytest.fixture
def steward(house):
    with house.client("steward") as client:
        yield client


def rows(house, query):
    with house.engine.connect() as connection:
        return connection.execute(query).all()


def pid_of(house, title):
    [(pid,)] = rows(house, sa.select(dataset.c.pid).where(dataset.c.title == title))
    return pid


def text_of(page):
    """The words of a page."""
    found = re.sub(r"<(script|style).*?</\1>", "", page.text, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", found)).split())


def hidden(page, name):
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    return html.unescape(found[1]) if found else ""


def sent(page, **more):
    """Return what the form of a preview would send."""
    fields = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', page.text)
    return {name: html.unescape(value) for name, value in fields} | more


@pytest.mark.parametrize("path", STEWARDS)
def test_only_stewards_read(house, path):
    with house.client() as nobody:
        assert nobody.get(path).status_code == 401
    for name in ("pi", "stranger", "director", "administrator"):
        with house.client(name) as client:
            assert client.get(path).status_code == 403, name


@pytest.mark.parametrize("path", FORMS)
def test_only_stewards_act(house, path):
    with house.client() as nobody:
        assert nobody.post(path, data={"reason": "x"}).status_code == 401
    for name in ("pi", "director", "administrator"):
        with house.client(name) as client:
            assert client.post(path, data={"reason": "x"}).status_code == 403, name


def test_forms_from_elsewhere_are_refused(house, steward):
    for path in FORMS:
        answer = steward.post(path, data={}, headers={"Origin": "https://evil.example"})
        assert answer.status_code == 403, path


def test_empty_node_says_what_ingest_is_and_how_to_begin(house, steward):
    given.forgotten(house)
    page = steward.get("/ingest")
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    assert "Nothing has come in yet" in page.text
    assert page.text.count("<pre") == 1
    assert "panosc ingest /data/my-beamline" in page.text
    assert 'href="/ingest"' in steward.get("/my").text
    with house.client("administrator") as administrator:
        assert 'href="/ingest"' not in administrator.get("/my").text


def test_overview_tells_how_it_stands(house, steward, taken):
    given.beats(house)
    given.announce(house)
    running = given.begun(house)
    page = steward.get("/ingest")
    words = text_of(page)
    assert f"Watching {running}" in words
    assert "a file named *.done , or 10 min without a new or changed file" in words.replace(
        "*.done,", "*.done ,"
    )
    assert "Überlauf 測定" in words
    for state in ("Watching", "Late", "Gone", "Stopped", "Waits for the database"):
        assert f">{state}</span>" in page.text
    assert "Watching, with troubles" in words
    assert "/data/x: permission denied" in words
    assert "1 announcement waiting, 2 failed, 1 done" in words
    for reason, count in (("bad-signature", 1), ("empty", 1), ("truncated", 1)):
        assert f'quarantine?reason={reason}"><code>{reason}</code></a>' in page.text
        assert f"{reason} {count} " in words
    assert f'<a href="/ingest/runs/{taken}">Ingest {taken}</a>' in page.text
    assert "\u202e" not in words
    assert "<b>x</b>" not in page.text


def test_runs_are_filtered_and_paged(house, steward, taken):
    later = [given.begun(house) for _ in range(27)]
    page = steward.get("/ingest")
    assert f"/ingest/runs/{later[-1]}" in page.text
    older = re.search(r'rel="next" href="(/ingest\?[^"]*)"', page.text)[1]
    second = steward.get(html.unescape(older))
    assert f"Ingest {taken}" in text_of(second)
    assert "<h1>Runs</h1>" in second.text
    for query, is_there in (
        ("kind=ingest", True),
        ("kind=edit", False),
        ("state=done&who=operator&from=2026-06-01&to=2026-06-01", True),
        ("to=2026-05-31", False),
        ("from=2026-06-02", False),
        ("who=nobody", False),
    ):
        assert (f"Ingest {taken}" in text_of(steward.get(f"/ingest?{query}"))) is is_there, query
    strange = steward.get("/ingest?kind=x&state=y&from=9999-99-99&before=abc&to=%00")
    assert strange.status_code == 200
    assert strange.text.count("<li>There is no") == 2
    assert steward.get("/ingest?who=%00").status_code == 422
    house.time[0] += timedelta(minutes=10)
    assert f"Watching {later[0]}" in text_of(
        steward.get(f"/ingest?state=stopped&before={later[5]}")
    )
    assert "No run fits" in steward.get("/ingest?state=running").text


def test_report_of_a_run(house, steward, taken):
    page = steward.get(f"/ingest/runs/{taken}")
    words = text_of(page)
    names = re.findall(r'<tr><th scope="row">([a-z ]+)', page.text)
    shares = [int(text) for text in re.findall(r"(\d+) %</td>", page.text)]
    assert shares == sorted(shares)
    assert set(names[-3:]) < {"title", "sample", "default plot", "units"}
    assert 'class="has" width="80"' in page.text
    assert "bananas" in words
    [(pid,)] = rows(
        house, sa.select(instrument.c.pid).where(instrument.c.name == "ID02 nouvelle Ä")
    )
    assert f'<a href="/instruments/{pid}"><bdi>ID02 nouvelle Ä</bdi></a>' in page.text
    assert "cut.nxs" in words
    assert "Copy it again from where it was written, or delete it." in words
    assert "Dataset 5" in words
    assert page.text.count('<span class="tag">new</span>') == 5
    assert "Profile beamline" in words
    for wrong in ("0", "99999", "-1", "x", "9" * 30, "%00", "1.5"):
        assert steward.get(f"/ingest/runs/{wrong}").status_code == 404, wrong
    assert steward.get(f"/ingest/runs/{taken}?records=99&aside=x&warnings=-1").status_code == 200


def test_long_lists_come_page_by_page(house, steward):
    number = given.long_report(house, 60)
    page = steward.get(f"/ingest/runs/{number}?aside=2")
    assert "/data/0025.h5" in text_of(page).replace("/data/ 00", "/data/00")
    assert "Page 2 of 3" in text_of(page)
    assert (
        'href="?warnings=2&amp;aside=3#aside"'
        in steward.get(f"/ingest/runs/{number}?warnings=2&aside=2").text
    )
    assert "/data/ 0059.h5" in text_of(steward.get(f"/ingest/runs/{number}?aside=3"))
    given.forgotten(house)


def test_undoing_says_what_happens_and_does_it(house, steward, taken):
    asked = steward.get(f"/ingest/runs/{taken}/undo")
    words = text_of(asked)
    counted = rows(
        house,
        sa.select(run_record.c.model, sa.func.count())
        .where(run_record.c.run_id == taken)
        .group_by(run_record.c.model),
    )
    records = sum(count for model, count in counted if model != "Location")
    assert f"{records} records will go , as the run made them, and 0 records will come" in words
    missing = steward.post(f"/ingest/runs/{taken}/undo", data={"reason": "  "})
    assert missing.status_code == 422
    assert 'aria-invalid="true"' in missing.text
    assert len(rows(house, sa.select(dataset.c.id).where(dataset.c.pid.like("local/%")))) == 5
    done = steward.post(f"/ingest/runs/{taken}/undo", data={"reason": "Wrong folder"})
    assert done.status_code == 303
    assert rows(house, sa.select(dataset.c.id).where(dataset.c.pid.like("local/%"))) == []
    page = steward.get(done.headers["location"])
    assert "It is undone: this is the run that did it" in page.text
    assert f"/ingest/runs/{taken}" in page.text
    assert "Reason: Wrong folder" in text_of(page)
    assert "u-steward" in page.text
    old = steward.get(f"/ingest/runs/{taken}")
    assert "It is undone" in old.text
    assert f"/ingest/runs/{taken}/undo" not in old.text
    again = steward.post(f"/ingest/runs/{taken}/undo", data={"reason": "Once more, <b>"})
    assert again.status_code == 409
    assert "is undone already" in again.text


def test_undoing_names_the_later_runs_in_the_way(house, steward, taken):
    pid = pid_of(house, "Poor")
    edit = {"pids": pid, "field": "title", "value": "Rich"}
    preview = steward.post("/ingest/edit", data=edit)
    done = steward.post("/ingest/edit/apply", data=sent(preview, reason="Better"))
    later = done.headers["location"].partition("?")[0]
    for path in (f"/ingest/runs/{taken}", f"/ingest/runs/{taken}/undo"):
        page = steward.get(path)
        assert "It cannot be undone now" in page.text
        assert f'href="{later}"' in page.text
    refused = steward.post(f"/ingest/runs/{taken}/undo", data={"reason": "No"})
    assert refused.status_code == 409
    assert pid_of(house, "Rich") == pid
    assert steward.post(f"{later}/undo", data={"reason": "No"}).status_code == 303
    assert steward.post(f"/ingest/runs/{taken}/undo", data={"reason": "No"}).status_code == 303


def test_quarantine_is_filtered_and_tried_again(house, steward, taken, root):
    page = steward.get("/ingest/quarantine")
    assert "3 files" in text_of(page)
    assert "2 files" not in text_of(page)
    assert "\u202e" not in text_of(page)
    assert "Überstruktur" in text_of(steward.get("/ingest/quarantine?path=Überstruktur' 測"))
    only = steward.get("/ingest/quarantine?reason=empty")
    assert "empty.h5" in only.text
    assert "cut.nxs" not in only.text
    assert "cut.nxs" in steward.get("/ingest/quarantine?path=CUT.n").text
    assert "No file fits" in steward.get("/ingest/quarantine?path=%25").text
    none = steward.post("/ingest/quarantine/retry", data={"which": "chosen"})
    assert none.status_code == 422
    assert "No file was chosen" in none.text
    url = hidden(only, "url") or re.search(r'name="url" value="([^"]*)"', only.text)[1]
    done = steward.post("/ingest/quarantine/retry", data={"which": "chosen", "url": [url]})
    assert done.status_code == 303
    assert "1 file will be read again" in text_of(steward.get(done.headers["location"]))
    assert len(rows(house, sa.select(quarantine.c.url))) == 2
    given.many_set_aside(house, 120)
    first = steward.get("/ingest/quarantine?path=/many/")
    assert first.text.count('type="checkbox"') == 50
    following = html.unescape(re.search(r'rel="next" href="([^"]*)"', first.text)[1])
    assert "0050.h5" in steward.get(following).text
    some = {"which": "all", "path": "/many/"}
    assert steward.post("/ingest/quarantine/retry", data=some).headers["location"].endswith("120")
    assert len(rows(house, sa.select(quarantine.c.url))) == 2
    steward.post("/ingest/quarantine/retry", data={"which": "all"})
    assert rows(house, sa.select(quarantine.c.url)) == []
    assert "None. Every file could be read" in steward.get("/ingest/quarantine").text
    given.taken(house, root)
    assert len(rows(house, sa.select(quarantine.c.url))) == 3
    for bad in ("reason=%00", "path=%00", "after=%00"):
        assert steward.get(f"/ingest/quarantine?{bad}").status_code == 422
    assert steward.get("/ingest/quarantine?retried=9999999999999").status_code == 200


def test_failed_announcement_is_tried_again(house, steward):
    given.announce(house)
    name = f"svc-id02:{given.UGLY}"
    done = steward.post("/ingest/announcements/retry", data={"id": name})
    assert done.status_code == 303
    [(state,)] = rows(house, sa.select(announcement.c.state).where(announcement.c.id == name))
    assert state == "waiting"
    for wrong, status in ((name, 409), ("none", 404), ("", 404)):
        answer = steward.post("/ingest/announcements/retry", data={"id": wrong})
        assert answer.status_code == status
        assert 'role="alert"' in answer.text
    given.forgotten(house)


def test_bulk_edit_with_preview_and_undo(house, steward, taken):
    given_form = {
        "where": "https://node.example/search?instrument=local/instrument/esrf-id02",
        "field": "license",
        "value": "CC-BY-4.0",
        "replace_in": "title",
        "old": "Silver",
        "new": "Golden",
        "parameter_act": "set",
        "parameter": "sample_temperature",
        "parameter_value": "300",
        "parameter_unit": "K",
    }
    preview = steward.post("/ingest/edit", data=given_form)
    assert preview.status_code == 200
    for label, count in (("datasets chosen", 3), ("would change", 3), ("would stay", 0)):
        assert re.search(rf"<dt>{label}[^<]*</dt><dd>{count}</dd>", preview.text), label
    assert "<del>Silver</del> behenate at 21 °C" in preview.text
    assert "<ins>Golden</ins> behenate at 21 °C" in preview.text
    assert len(rows(house, sa.select(dataset.c.id).where(dataset.c.license == "CC-BY-4.0"))) == 0
    nothing = steward.post("/ingest/edit/apply", data=sent(preview, reason=" "))
    assert nothing.status_code == 422
    assert 'aria-invalid="true"' in nothing.text
    done = steward.post("/ingest/edit/apply", data=sent(preview, reason="The label was wrong"))
    assert done.status_code == 303
    assert len(rows(house, sa.select(dataset.c.id).where(dataset.c.license == "CC-BY-4.0"))) == 3
    page = steward.get(done.headers["location"])
    words = text_of(page)
    assert "The edit is done" in words
    assert "In title: “Silver” becomes “Golden”" in words
    assert "Undo this run" in words
    [(count,)] = rows(
        house,
        sa.select(sa.func.count())
        .select_from(parameter)
        .where(parameter.c.value_number == 300, parameter.c.unit == "K"),
    )
    assert count == 3
    run = done.headers["location"].partition("?")[0]
    assert "0 records will go" in text_of(steward.get(f"{run}/undo"))
    assert steward.post(f"{run}/undo", data={"reason": "Back"}).status_code == 303
    assert len(rows(house, sa.select(dataset.c.id).where(dataset.c.license == "CC-BY-4.0"))) == 0
    reasons = rows(house, sa.select(audit.c.reason).where(audit.c.event == "records.edited"))
    assert ("The label was wrong",) in reasons


def test_edit_that_came_too_late_shows_a_new_preview(house, steward, taken):
    pid = pid_of(house, "Poor")
    form = {"pids": pid, "field": "title", "value": "Mine"}
    preview = steward.post("/ingest/edit", data=form)
    other = steward.post("/ingest/edit", data={**form, "value": "Theirs"})
    assert steward.post("/ingest/edit/apply", data=sent(other, reason="a")).status_code == 303
    late = steward.post("/ingest/edit/apply", data=sent(preview, reason="My long <reason>"))
    assert late.status_code == 409
    assert "This is a new preview; nothing has been changed" in late.text
    assert "My long &lt;reason&gt;" in late.text
    assert "<del>Theirs</del>" in late.text
    assert pid_of(house, "Theirs") == pid
    assert steward.post("/ingest/edit/apply", data=sent(late, reason="b")).status_code == 303
    assert pid_of(house, "Mine") == pid


@pytest.mark.parametrize(
    ("form", "field", "says"),
    [
        ({"field": "title", "value": "x"}, "where", "Which records?"),
        ({"where": "q=x", "pids": "y", "field": "title", "value": "x"}, "where", "Both a search"),
        ({"where": "nonsense=1", "field": "title", "value": "x"}, "where", ""),
        ({"pids": "x"}, "field", "Nothing is to be done"),
        ({"pids": "x", "field": "title"}, "value", "What is title to be?"),
        ({"pids": "x", "value": "t"}, "field", "Which field"),
        ({"pids": "x", "field": "title", "empty": "1"}, "value", "needs a title"),
        ({"pids": "x", "field": "kind", "value": "odd"}, "value", "The kind"),
        ({"pids": "x", "old": "a"}, "replace_in", "In which field"),
        ({"pids": "x", "new": "a"}, "old", "Which text"),
        ({"pids": "x", "parameter_value": "1"}, "parameter", "Which parameter?"),
        ({"pids": "x", "parameter": "t"}, "parameter_value", "a value or a unit"),
        (
            {"pids": "x", "parameter": "t", "parameter_value": "1", "parameter_unit": "bananas"},
            "parameter_unit",
            "Nobody knows the unit",
        ),
        ({"pids": "x", "parameter": "t", "parameter_act": "rename"}, "parameter_to", "new name"),
        ({"pids": "x", "person": "Nobody Nowhere", "people_act": "remove"}, "person", "Nobody"),
        ({"pids": "x", "person": "A", "people_act": "replace"}, "person_to", "by whom"),
        ({"pids": "x", "role": "r"}, "person", "Who?"),
        ({"pids": "x", "technique": "SANS?"}, "technique", "No dataset"),
        ({"pids": "x", "sample": "none"}, "sample", "There is no sample"),
        ({"pids": "x", "model": "File", "field": "title", "value": "x"}, "model", "what kind"),
        ({"pids": "x\0", "field": "title", "value": "x"}, "pids", "A PID is no text"),
    ],
    ids=str,
)
def test_faults_of_an_edit_are_said_in_place(steward, form, field, says):
    form["technique"] = form.get("technique", "")
    page = steward.post("/ingest/edit", data=form)
    assert page.status_code in {400, 422}, page.status_code
    assert says in html.unescape(page.text)
    assert f'<a href="#{field}">' in page.text
    tag = re.search(rf'<(?:input|textarea|select) id="{field}"[^>]*>', page.text)[0]
    assert 'aria-invalid="true"' in tag
    assert f'aria-describedby="{field}-help"' in tag
    for name in ("value", "old", "parameter", "person"):
        if form.get(name):
            assert f'name="{name}" value="{form[name]}"' in page.text


def test_links_lead_to_the_edit_and_back(house, steward, taken):
    found = steward.get("/search?q=behenate")
    link = html.unescape(re.search(r'href="(/ingest/edit\?[^"]*)"', found.text)[1])
    assert 'value="q=behenate"' in steward.get(link).text
    with house.client() as nobody:
        assert "/ingest/edit" not in nobody.get("/search?q=behenate").text
    changed = steward.post("/ingest/edit", data={"act": "change", "pids": "a\r\nb", "old": "<o>"})
    assert changed.status_code == 200
    assert "\na\nb</textarea>" in changed.text
    assert 'value="&lt;o&gt;"' in changed.text
    assert "/ingest/edit" not in steward.get("/search").text


def test_one_dataset_is_edited_on_its_page(house, steward, taken):
    pid = pid_of(house, given.TITLES[2])
    path = f"/datasets/{pid}/-/edit"
    assert path in steward.get(f"/datasets/{pid}").text
    page = steward.get(path)
    assert html.escape(given.TITLES[2], quote=False) in page.text
    assert 'name="definition" value="NXsas"' in page.text
    assert '<option value="raw" selected>' in page.text
    for name, value in (("definition", "NXsas"), ("kind", "raw")):
        assert hidden(page, f"was_{name}") == value
    was = {f"was_{name}": hidden(page, f"was_{name}") for name in ("title", "instrument")}
    same = {name.removeprefix("was_"): value for name, value in was.items()}
    untouched = steward.post(path, data={**was, **same, "reason": "x"})
    assert untouched.status_code == 422
    assert "Nothing was changed" in untouched.text
    typed = {
        **was,
        **same,
        "title": "Better",
        "description": "Two\r\nlines",
        "person": "Ada Pieters",
        "people_act": "add",
    }
    no_reason = steward.post(path, data=typed)
    assert no_reason.status_code == 422
    assert 'value="Better"' in no_reason.text
    assert 'value="Ada Pieters"' in no_reason.text
    done = steward.post(path, data={**typed, "reason": "As the log book says"})
    assert done.status_code == 303
    [(title, text)] = rows(
        house,
        sa.select(dataset.c.title, dataset.c.description).where(dataset.c.pid == pid),
    )
    assert (title, text) == ("Better", "Two\nlines")
    history = text_of(steward.get(done.headers["location"]))
    assert "As the log book says" in history
    assert "Ada Pieters" in history
    # whoever has the page from before would write over it
    late = steward.post(path, data={**was, **same, "title": "Worse", "reason": "x"})
    assert late.status_code == 409
    assert "Somebody else has changed title meanwhile" in late.text
    assert 'value="Worse"' in late.text
    assert "Now there stands: Better" in late.text
    assert pid_of(house, "Better") == pid
    assert steward.get("/datasets/10.5072/none/-/edit").status_code == 404
    assert steward.post("/datasets/10.5072/none/-/edit", data=typed).status_code == 404


def test_history_is_for_those_who_see_the_detail(house, steward, taken):
    pid = pid_of(house, "Poor")
    form = {"pids": pid, "field": "title", "value": "Rich <i>"}
    preview = steward.post("/ingest/edit", data=form)
    done = steward.post("/ingest/edit/apply", data=sent(preview, reason="Why not"))
    run = done.headers["location"].partition("?")[0]
    path = f"/datasets/{pid}/-/history"
    with house.client() as nobody:
        page = nobody.get(path)
        assert page.status_code == 200
        assert "Why not" in page.text
        assert "u-steward" not in page.text
        assert "/ingest/runs/" not in page.text
        assert path in nobody.get(f"/datasets/{pid}").text
        for other in (signed_in.CLOSED, signed_in.EMBARGOED, "10.5072/none", "%00", "a%FFb"):
            assert nobody.get(f"/datasets/{other}/-/history").status_code == 404, other
    page = steward.get(path)
    assert "u-steward" in page.text
    assert f'href="{run}"' in page.text
    assert "Rich &lt;i&gt;" in page.text
    assert "<s>" not in page.text
    steward.post(f"{run}/undo", data={"reason": "Oh"})
    undone = steward.get(path)
    assert "<s>Changed</s>" in undone.text
    assert undone.text.index("Oh") < undone.text.index("Why not")
    loaded = steward.get(f"/datasets/{signed_in.OPEN}/-/history")
    assert "Nothing is known" in loaded.text


def test_words_of_operations_and_changes():
    assert operation_words({"op": "SetField", "field": "kind", "value": None}) == "Empty kind"
    assert operation_words({"op": "of a later version"}) == "of a later version"
    assert span(-5) == "0.0 s"
    long = " ".join(map(str, range(1000)))
    [item] = changes([Changed(field="x", old=long, new=None)])
    assert item["pieces"] == ([("del", long)], [])


def test_tape_is_told_as_it_stands(house):
    with house.client("steward") as client:
        page = client.get("/ingest/tape")
        assert "This node has no tape system" in page.text
        assert "Volumes</h2>" not in page.text
        assert page.headers["cache-control"] == "no-store"
        given.taped(house)
        page = html.unescape(client.get("/ingest/tape").text)
    assert "1 volume mounted, 2 waiting" in page
    assert re.search(r"<dt>are being read</dt><dd>2</dd>", page)
    assert "1 file did not come" in page
    assert "The drive ate it" in page
    row = re.search(r'<tr><th scope="row"><span class="pid">TP0007.*?</tr>', page).group()
    assert ">Mounted<" in row
    assert ">5 GB<" in row
    with house.engine.begin() as connection:
        connection.execute(recall.delete())
        connection.execute(tape_mount.delete())
