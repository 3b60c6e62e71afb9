"""The crontab's line, judged by the real crontab, which is asked to check and to change nothing."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from schedulers import stand_in

from localai.errors import StateError, UsageError
from localai.schedule import cron
from localai.schedule.ground import Ground
from localai.schedule.keeping import end, find_kept, keep

OTHERS = (
    b"# mine\n\nMAILTO=pat\n"
    b"*/5 * * * * echo caf\xe9\x0b \xe2\x80\xa8 100\\% # localai-selftest-like\n"
)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A crontab of our own, in a file, with lines of somebody else's."""
    path = tmp_path / "table"
    path.write_bytes(OTHERS)
    return path


@pytest.fixture
def keeping(ground: Ground, table: Path, tmp_path: Path) -> Ground:
    """A host with cron alone. The program has the interface of crontab(1)."""
    script = f"""case "$1" in
-l) [ -e '{table}' ] || {{ echo "no crontab for pat" >&2; exit 1; }}; cat '{table}' ;;
-) cat > '{table}.new' && mv '{table}.new' '{table}' ;;
*) exit 2 ;;
esac"""
    return ground._replace(crontab=stand_in(tmp_path / "crontab", script), systemctl="")


def check_syntax(path: Path) -> subprocess.CompletedProcess[str]:
    """The real crontab's dry run (-n in Debian's, -T in cronie's)."""
    if not (crontab := shutil.which("crontab")):
        pytest.skip("crontab is not installed")
    for option in ("-n", "-T"):
        done = subprocess.run([crontab, option, str(path)], capture_output=True, text=True)
        if "passwd" in done.stderr:
            pytest.skip(f"crontab checks nothing for this account: {done.stderr.strip()}")
        if "usage" not in done.stderr:
            return done
    pytest.skip("this crontab cannot check a file without installing it")


@pytest.mark.parametrize("rhythm", ["daily", "hourly"])
def test_cron_takes_the_line(ground: Ground, tmp_path: Path, rhythm: str) -> None:
    path = tmp_path / "table"
    path.write_text(cron.line_text(ground, rhythm) + "\n")
    assert check_syntax(path).returncode == 0
    path.write_text(path.read_text().replace(rhythm, "whenever"))
    assert check_syntax(path).returncode != 0


def test_the_line_means_what_it_says_to_a_shell(ground: Ground, tmp_path: Path) -> None:
    """As cron hands it on: from the first bare % on it would be the program's input."""
    odd = """odd "name" 100% $HOME `id` 'quoted' \\ ünï; exit 1 #"""
    program = tmp_path / odd
    seen = tmp_path / "seen"
    stand_in(program, f'printf "%s\\n" "$XDG_STATE_HOME" "$@" > {seen}')
    line = cron.line_text(
        ground._replace(
            program=(str(program), odd, "selftest"),
            environ={**ground.environ, "XDG_STATE_HOME": f"/{odd}"},
        ),
        "daily",
    )
    command = line.removeprefix("@daily ").replace("\\%", "\0")
    assert "%" not in command
    subprocess.run(["/bin/sh", "-c", command.replace("\0", "%")], check=True, env={"PATH": "/bin"})
    assert seen.read_text().splitlines() == [f"/{odd}", odd, "selftest"]


def test_the_lines_of_others_stay_byte_for_byte(keeping: Ground, table: Path) -> None:
    keep(keeping, "daily", 1000)
    keep(keeping, "hourly", 1000)
    text = table.read_bytes()
    assert text.startswith(OTHERS) and text.count(b"@") == 1 and b"@hourly" in text
    assert (kept := find_kept([keeping])) and (kept.rhythm, kept.problem) == ("hourly", "")
    assert end([keeping])
    assert table.read_bytes() == OTHERS
    assert end([keeping]) == ()
    assert find_kept([keeping]) is None


def test_the_first_line_of_all(keeping: Ground, table: Path) -> None:
    table.unlink()
    keep(keeping, "daily", 1000)
    assert table.read_text().startswith("@daily ")


def test_a_crontab_that_cannot_be_read_stays_as_it_is(
    keeping: Ground, table: Path, tmp_path: Path
) -> None:
    script = f'[ "$1" = -l ] && {{ echo "You are not allowed" >&2; exit 1; }}; cat > {table}'
    closed = keeping._replace(crontab=stand_in(tmp_path / "crontab", script))
    with pytest.raises(StateError, match="You are not allowed"):
        keep(closed, "daily", 1000)
    assert table.read_bytes() == OTHERS
    kept = find_kept([closed])
    assert kept and "You are not allowed" in kept.problem


def test_a_crontab_that_refuses_the_line(keeping: Ground, table: Path, tmp_path: Path) -> None:
    script = f'[ "$1" = -l ] && exec cat {table}; echo "command too long" >&2; exit 1'
    refusing = keeping._replace(crontab=stand_in(tmp_path / "crontab", script))
    with pytest.raises(StateError, match="command too long"):
        keep(refusing, "daily", 1000)


def test_cron_reads_no_calendar_expression(keeping: Ground, table: Path) -> None:
    with pytest.raises(UsageError, match="cron cannot read") as caught:
        keep(keeping, "Mon 09:00", 1000)
    assert "--daily" in caught.value.hint
    assert table.read_bytes() == OTHERS


@pytest.mark.parametrize("name", ["line\n* * * * * id", "\x00", "\x1b", "\udcff"])
def test_a_path_that_no_crontab_can_name_is_refused(keeping: Ground, name: str) -> None:
    odd = keeping._replace(environ={**keeping.environ, "XDG_STATE_HOME": f"/{name}"})
    with pytest.raises(StateError, match="cannot be written into a crontab"):
        cron.install(odd, "daily")


def test_a_moved_home_leaves_the_crontab_alone(keeping: Ground, table: Path) -> None:
    moved = keeping._replace(moved=True)
    change = keep(moved, "daily", 1000)
    assert table.read_bytes() == OTHERS
    kept = find_kept([moved])
    assert kept and kept.problem == "the line is not in it" and kept.remedy == change.left[0]
    environ = {"PATH": f"{Path(keeping.crontab).parent}:/usr/bin:/bin"}
    subprocess.run(["/bin/sh", "-c", change.left[0]], check=True, env=environ)
    assert (kept := find_kept([moved])) and not kept.problem
    hourly = keep(moved, "hourly", 1000)  # another rhythm takes the old line's place
    subprocess.run(["/bin/sh", "-c", hourly.left[0]], check=True, env=environ)
    assert (kept := find_kept([moved])) and (kept.rhythm, kept.problem) == ("hourly", "")
    text = table.read_bytes()
    assert text.startswith(OTHERS) and text.count(b"@") == 1
    (gone,) = end([moved])
    subprocess.run(["/bin/sh", "-c", gone.left[0]], check=True, env=environ)
    assert table.read_bytes() == OTHERS


def test_a_crontab_that_is_missing(ground: Ground) -> None:
    assert find_kept([ground]) is None
