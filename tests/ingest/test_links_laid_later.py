"""A file that is looked at again may be a link by now: it leads nowhere else."""

from pathlib import Path

from panosc.ingest.pieces import look
from panosc.ingest.walking import url_of


def test_what_was_a_file_is_no_way_out_of_its_folder(tmp_path: Path) -> None:
    tmp_path = tmp_path.resolve()
    other, own = tmp_path / "other", tmp_path / "own"
    for folder in (other, own / "deeper"):
        folder.mkdir(parents=True)
    for path in (other / "a.h5", own / "a.h5", own / "deeper" / "a.h5"):
        path.write_text(path.parent.name)
    assert look(str(own / "a.h5")) is not None
    # a link inside the folder is as good as what it leads to
    (own / "inner.h5").symlink_to(own / "deeper" / "a.h5")
    assert look(str(own / "inner.h5")) is not None
    (own / "out.h5").symlink_to(other / "a.h5")
    assert look(str(own / "out.h5")) is None
    assert look(str(own / "out.h5"), [url_of(str(own))]) is None
    assert look(str(own / "out.h5"), [url_of(str(own)), url_of(str(other))]) is not None
    (own / "folder").symlink_to(other)
    assert look(str(own / "folder" / "a.h5")) is None
    (own / "loop.h5").symlink_to(own / "loop.h5")
    assert look(str(own / "loop.h5")) is None
    assert look(str(own / "none.h5")) is None
