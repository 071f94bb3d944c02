"""A file is whole on an SFTP server or not there, and only that server ever gets it."""

import csv
import hashlib
import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import asyncssh
import pytest

from activation.destinations import settings_for
from activation.destinations.file_drop import FileDrop, FileDropSettings
from activation.destinations.sftp import SftpFolder
from activation.errors import (
    AuthenticationRefused,
    MissingSetting,
    PlatformRefused,
    PlatformUnreachable,
)
from orchestration.warehouse import Warehouse
from tests.activation.sftp import (
    OPENSSH,
    PASSWORD,
    ForgetfulFiles,
    FullFiles,
    OldFiles,
    SlowFiles,
    sftp_server,
)
from tests.activation.test_file_drop import SCORES, run, score
from tests.activation.world import AS_OF, World, world_at

ROOT = Path(__file__).parents[2]

FILE = "customer_scores.csv"


def settings(server, **changes):
    """Return the settings of a user with a key."""
    values = {
        "FOLDER": "unused",
        "SFTP_URL": server.url(),
        "SFTP_HOST_KEY": server.public_key,
        "SFTP_PRIVATE_KEY": server.private_key,
        **changes,
    }
    named = {f"REGULARS_FILE_DROP_{name}": value for name, value in values.items()}
    return settings_for("file_drop", named)


@contextmanager
def scores_at(tmp_path, *files):
    """Open a world with the scores' sync, and a server."""
    with (
        sftp_server(tmp_path / "server", *files) as server,
        world_at(tmp_path / "w.duckdb", SCORES) as world,
    ):
        yield world, server


def content(server):
    """Return the rows of the file; its manifest must describe them."""
    path = server.folder / "drop" / FILE
    with path.open(newline="", encoding="utf-8") as handle:
        rows = list(csv.reader(handle))
    manifest = json.loads(path.with_name(f"{FILE}.manifest.json").read_text())
    assert manifest["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert manifest["rows"] == len(rows) - 1
    return rows


def names(server):
    """Return the names of all files of the server."""
    return sorted(path.name for path in (server.folder / "drop").iterdir())


def test_files_are_uploaded_aside_made_durable_and_renamed_manifest_last(tmp_path):
    """Whoever collects them sees no half file; a second run writes nothing."""
    with scores_at(tmp_path) as (world, server):
        world.desire([score(n, stage='Zoë, "x"\n') for n in range(3)])
        summary = run(world, settings(server))
        done = list(server.done)
        again = run(world, settings(server))
        rows, found = content(server), names(server)

    manifest = f"{FILE}.manifest.json"
    assert done == [
        f"open {FILE}.part",
        "fsync",
        f"posix_rename {FILE}.part {FILE}",
        f"open {manifest}.part",
        "fsync",
        f"posix_rename {manifest}.part {manifest}",
    ]
    assert rows[1] == ["c0", 'Zoë, "x"\n', "0.25"]
    assert found == [FILE, manifest]
    assert (summary.delivered, again.planned, server.done) == (3, 0, done)


def test_changes_replace_the_file_and_a_lost_one_is_written_again(tmp_path):
    """As in a folder of this machine."""
    with scores_at(tmp_path) as (world, server):
        world.desire([score(1), score(2)])
        run(world, settings(server))
        world.desire([score(1, stage="lapsed"), score(2)])
        run(world, settings(server))
        changed = content(server)
        (server.folder / "drop" / FILE).unlink()
        lost = run(world, settings(server))
        written = content(server)

    assert changed == written
    assert changed[1][:2] == ["c1", "lapsed"]
    assert lost.retried == 2


def test_a_large_file_arrives_whole(tmp_path):
    """Some megabytes, in many messages."""
    with sftp_server(tmp_path / "server") as server:
        rows = ({"a": f"{n:>200}"} for n in range(40_000))
        FileDrop(settings(server)).replace("customer scores", ("a",), rows, as_of=AS_OF)

        assert len(content(server)) == 40_001


def test_a_server_without_extensions_has_the_former_file_removed_first(tmp_path):
    """There is no other way to rename there."""
    with scores_at(tmp_path, OldFiles) as (world, server):
        for stage in ("active", "lapsed"):
            world.desire([score(1, stage=stage)])
            run(world, settings(server))
        rows = content(server)

    assert rows[1][:2] == ["c1", "lapsed"]
    assert f"remove {FILE}" in server.done


@pytest.mark.skipif(OPENSSH is None, reason="OpenSSH's sftp-server is not installed")
def test_the_server_of_openssh_agrees(tmp_path):
    """Not only the server of the library that we write with."""
    with scores_at(tmp_path, None) as (world, server):
        given = settings(server, SFTP_URL=server.url(str(server.folder / "drop")))
        for stage in ("active", "lapsed"):
            world.desire([score(1, stage=stage)])
            run(world, given)
        again = run(world, given)
        rows, found = content(server), names(server)

    assert rows[1][:2] == ["c1", "lapsed"]
    assert (found, again.planned) == ([FILE, f"{FILE}.manifest.json"], 0)


def test_a_password_will_do_and_a_home_may_be_meant(tmp_path):
    """Without a key; the path begins where the user arrives."""
    with scores_at(tmp_path) as (world, server):
        world.desire([score(1)])
        changes = {"SFTP_PRIVATE_KEY": "", "SFTP_PASSWORD": PASSWORD}
        summary = run(world, settings(server, SFTP_URL=server.url("/~/drop"), **changes))

        assert len(content(server)) == 2
    assert summary.delivered == 1


def other_key(algorithm="ssh-ed25519"):
    """Return a key nobody knows."""
    return asyncssh.generate_private_key(algorithm)


@pytest.mark.parametrize("algorithm", ["ssh-ed25519", "ecdsa-sha2-nistp256"])
def test_a_server_with_another_host_key_gets_nothing(tmp_path, algorithm):
    """Not even the login."""
    with scores_at(tmp_path) as (world, server):
        world.desire([score(1)])
        pinned = other_key(algorithm).export_public_key().decode()
        with pytest.raises(PlatformRefused, match="REGULARS_FILE_DROP_SFTP_HOST_KEY"):
            run(world, settings(server, SFTP_HOST_KEY=pinned))
        summary = run(world, settings(server))

    assert summary.delivered == 1


@pytest.mark.parametrize(
    ("changes", "error", "named"),
    [
        ({"SFTP_HOST_KEY": ""}, MissingSetting, "SFTP_HOST_KEY"),
        ({"SFTP_HOST_KEY": "no key"}, PlatformRefused, "SFTP_HOST_KEY"),
        ({"SFTP_PRIVATE_KEY": "no key"}, PlatformRefused, "SFTP_PRIVATE_KEY"),
        ({"SFTP_PRIVATE_KEY": ""}, MissingSetting, "SFTP_PRIVATE_KEY"),
        (
            {"SFTP_PRIVATE_KEY": other_key().export_private_key().decode()},
            AuthenticationRefused,
            "SFTP_PRIVATE_KEY",
        ),
        (
            {"SFTP_PRIVATE_KEY": "", "SFTP_PASSWORD": "wrong secret"},
            AuthenticationRefused,
            "SFTP_PASSWORD",
        ),
        ({"SFTP_URL": "ftp://shop:secret@127.0.0.1/x"}, PlatformRefused, "SFTP_URL"),
        ({"SFTP_URL": "sftp://[secret"}, PlatformRefused, "SFTP_URL"),
        ({"SFTP_URL": "sftp://shop:secret@127.0.0.1:1/x"}, PlatformUnreachable, "SFTP_URL"),
        ({"SFTP_URL": "sftp://shop:secret@nowhere.invalid/x"}, PlatformUnreachable, "SFTP_URL"),
    ],
)
def test_what_keeps_a_file_from_its_place_is_one_clear_error(tmp_path, changes, error, named):
    """It names the variable, holds no secret, and the next run delivers."""
    with scores_at(tmp_path) as (world, server):
        world.desire([score(1)])
        wrong = settings(server, **changes)
        with pytest.raises(error, match=f"REGULARS_FILE_DROP_{named}") as caught:
            run(world, wrong)
        summary = run(world, settings(server))

    shown = f"{caught.value!r} {wrong!r} {FileDrop(wrong).account}"
    assert "secret" not in shown
    assert "PRIVATE KEY-" not in shown
    assert summary.delivered == 1


def test_the_run_is_known_to_be_alive_while_an_upload_takes_long(tmp_path):
    """Its lease would end otherwise, and another run would write the same file."""
    SlowFiles.slow_name = b"x.part"
    beats = []
    with sftp_server(tmp_path / "server", SlowFiles) as server:
        folder = SftpFolder(server.url(), server.public_key, server.private_key, heartbeat=0.1)
        with pytest.raises(PlatformRefused, match="the space left"):
            folder.write("x", lambda handle: handle.write(b"123"), lambda: beats.append(1))

    assert len(beats) > 3


@pytest.mark.parametrize("files", [FullFiles, ForgetfulFiles])
def test_an_upload_that_fails_leaves_the_former_file(tmp_path, files):
    """Rows wait for the next run."""
    with sftp_server(tmp_path / "server", files) as server:
        for name in (FILE, f"{FILE}.manifest.json"):
            (server.folder / "drop" / name).write_text("former")
        with world_at(tmp_path / "w.duckdb", SCORES) as world:
            world.desire([score(1)])
            with pytest.raises(PlatformRefused, match="the space left") as caught:
                run(world, settings(server))

        assert (server.folder / "drop" / FILE).read_text() == "former"
    assert "secret" not in str(caught.value)


def test_a_missing_folder_is_named_not_made(tmp_path):
    """A typing error must not become a folder that nobody looks into."""
    with scores_at(tmp_path) as (world, server):
        world.desire([score(1)])
        with pytest.raises(PlatformRefused, match="is there"):
            run(world, settings(server, SFTP_URL=server.url("/dorp")))

        assert not (server.folder / "dorp").exists()


@pytest.mark.parametrize("slow", [FILE, f"{FILE}.manifest.json"])
def test_killed_while_uploading_leaves_no_half_file_and_the_next_run_finishes(tmp_path, slow):
    """The former file stays; or the new one without its manifest, for which a collector waits."""
    with sftp_server(tmp_path / "server", SlowFiles) as server:
        with world_at(tmp_path / "w.duckdb", SCORES) as world:
            world.desire([score(1)])
            run(world, settings(server))
            former = (server.folder / "drop" / slow).read_bytes()
            world.desire([score(1, stage="lapsed")])
        SlowFiles.reached.clear()
        SlowFiles.slow_name = f"{slow}.part".encode()
        values = {v: getattr(settings(server), k) for k, v in FileDropSettings.ENVIRONMENT.items()}
        command = [sys.executable, "-m", "tests.activation.sftp_process", tmp_path / "w.duckdb"]
        with subprocess.Popen(command, cwd=ROOT, env={**os.environ, **values}) as process:
            assert SlowFiles.reached.wait(60)
            process.kill()
        SlowFiles.slow_name = b""
        left = (server.folder / "drop" / slow).read_bytes()
        with Warehouse(tmp_path / "w.duckdb").connect() as connection:
            world = World(connection, SCORES)
            summary = run(world, settings(server))
            again = run(world, settings(server))
        rows, found = content(server), names(server)

    assert left == former
    assert rows[1][:2] == ["c1", "lapsed"]
    assert (summary.retried, summary.delivered, again.planned) == (1, 1, 0)
    assert found == [FILE, f"{FILE}.manifest.json"]
