"""The steps make what the tables say, and can be undone."""

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from panosc.catalogue import schema
from panosc.catalogue.schema import metadata
from panosc.domain.errors import Unavailable

ROOT = Path(__file__).parents[2]


def differences(engine: sa.Engine) -> list[object]:
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        return list(compare_metadata(context, metadata))


def everything(engine: sa.Engine) -> list[tuple[object, ...]]:
    """Return what PostgreSQL itself knows of our schema: columns, constraints, indexes …"""
    statement = """
        select 'column', attrelid::regclass::text, attname::text,
               concat_ws(' ', format_type(atttypid, atttypmod), attnotnull, attidentity,
                         collname, pg_get_expr(adbin, adrelid))
        from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum
             left join pg_collation c on c.oid = attcollation
        where attnum > 0 and not attisdropped
              and attrelid in (select oid from pg_class where relkind in ('r', 'S')
                               and relnamespace = 'public'::regnamespace)
        union all select 'constraint', conrelid::regclass::text, conname::text,
               pg_get_constraintdef(oid) from pg_constraint
               where connamespace = 'public'::regnamespace
        union all select 'index', tablename::text, indexname::text, indexdef
               from pg_indexes where schemaname = 'public'
        order by 1, 2, 3, 4
    """
    with engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(statement)]


def test_the_steps_make_what_the_tables_say(engine: sa.Engine) -> None:
    """If it fails, a migration is missing: python scripts/write_migration.py helps."""
    assert differences(engine) == []


def test_they_make_it_to_the_letter(engine: sa.Engine) -> None:
    """What the comparison does not see: collations, checks, operator classes, sequences."""
    made = everything(engine)
    schema.downgrade(engine, "base")
    with engine.begin() as connection:
        metadata.create_all(connection)
    assert [row for row in everything(engine) if row[1] != "alembic_version"] == [
        row for row in made if row[1] != "alembic_version"
    ]


def test_the_newest_step_is_known_by_name() -> None:
    assert schema.steps().get_current_head() == schema.NEWEST


def test_up_and_down_and_up_again(engine: sa.Engine) -> None:
    made = everything(engine)
    with engine.connect() as connection:
        revisions = [
            script.revision
            for script in ScriptDirectory.from_config(schema.config()).walk_revisions()
        ]
    for target in [*revisions[1:], "base"]:
        schema.downgrade(engine, target)
    with engine.connect() as connection:
        assert sa.inspect(connection).get_table_names() == ["alembic_version"]
        assert sa.inspect(connection).get_sequence_names() == []
        assert schema.revision(connection) is None
    for target in reversed(revisions):
        schema.upgrade(engine, target)
        with engine.connect() as connection:
            assert schema.revision(connection) == target
    assert everything(engine) == made
    schema.upgrade(engine)
    assert everything(engine) == made


def test_what_is_in_the_tables_outlives_the_steps(engine: sa.Engine) -> None:
    schema.downgrade(engine, "0001")
    early, late = "0001-01-01 00:00+00", "9999-12-31 23:59:59.999999+00"
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "insert into dataset (id, pid, owner_group, mark, core_at, open_at) values"
            f" (1, 'a', 'P', 'normal', '{early}', '2030-01-01'),"
            f" (2, 'b', null, 'withdrawn', '{early}', '{early}'),"
            f" (3, 'c', 'P', 'normal', '{late}', '{late}')"
        )
        connection.exec_driver_sql("insert into \"group\" (name) values ('P')")
        connection.exec_driver_sql(
            'insert into group_member ("group", person, role) values'
            " ('P', 'x', 'pi'), ('P', 'y', null)"
        )
    schema.upgrade(engine)
    with engine.begin() as connection:
        found = connection.exec_driver_sql(
            "select pid, listed_at = least(core_at, open_at), opened_at = open_at,"
            " opened_at = '9999-12-31 23:59:59.999999+00' from dataset order by pid"
        ).all()
        assert found == [
            ("a", True, True, False),
            ("b", False, False, True),
            ("c", True, True, True),
        ]
        members = 'select "group", person, role, source from group_member order by person, role'
        assert connection.exec_driver_sql(members).all() == [
            ("P", "x", "pi", None),
            ("P", "y", "team", None),
        ]
        # what the older schema cannot hold, or what nothing may delete, is in nobody's way
        connection.exec_driver_sql(
            'insert into group_member ("group", person, role, source) values'
            " ('P', 'x', 'team', 'node'), ('P', 'x', 'guest', null)"
        )
        connection.exec_driver_sql("insert into ruling (dataset_id, policy) values (1, 'p@1')")
        connection.exec_driver_sql("insert into audit (event) values ('dataset.released')")
    schema.downgrade(engine, "0001")
    with engine.connect() as connection:
        kept = "select person, count(*) from group_member group by person order by person"
        assert connection.exec_driver_sql(kept).all() == [("x", 1), ("y", 1)]
        assert connection.exec_driver_sql("select count(*) from dataset").scalar() == 3


def test_a_step_that_fails_leaves_nothing(engine: sa.Engine) -> None:
    schema.downgrade(engine, "base")
    with engine.begin() as connection:
        connection.exec_driver_sql("create table plot()")
    with pytest.raises(Unavailable, match="already exists"):
        schema.upgrade(engine)
    with engine.connect() as connection:
        assert set(sa.inspect(connection).get_table_names()) == {"plot", "alembic_version"}
        assert schema.revision(connection) is None


def test_an_installed_wheel_brings_the_steps(empty_database: str, tmp_path: Path) -> None:
    """Build the wheel and let the panosc in it, not this one, make the schema."""
    subprocess.run(
        [
            *(sys.executable, "-m", "hatchling", "build", "--target", "wheel"),
            *("--directory", str(tmp_path / "dist")),
        ],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    site = tmp_path / "site % with a percent"
    site.mkdir()
    subprocess.run([sys.executable, "-m", "zipfile", "-e", str(wheel), str(site)], check=True)
    code = f"""
import sys
sys.path.insert(0, {str(site)!r})
import panosc
from panosc.catalogue.database import open_database
from panosc.settings import Settings
assert panosc.__file__.startswith({str(site)!r}), panosc.__file__
with open_database(Settings(home={str(tmp_path / "home")!r}, database_url={empty_database!r})) as e:
    with e.connect() as connection:
        print(connection.exec_driver_sql("select version_num from alembic_version").scalar())
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd="/", check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == schema.NEWEST
