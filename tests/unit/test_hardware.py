"""Free memory as the least of what the kernel and every cgroup above say."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from localai.hardware import (
    FreeMemory,
    count_cores,
    file_size_limit,
    find_free_memory,
)

GIB = 1 << 30


def make_host(tmp_path: Path, cgroup: str, available: int = 8 * GIB) -> tuple[Path, Path]:
    proc, groups = tmp_path / "proc", tmp_path / "cgroup"
    (proc / "self").mkdir(parents=True)
    (proc / "meminfo").write_text(f"MemTotal: 1 kB\nMemAvailable: {available // 1024} kB\n")
    (proc / "self/cgroup").write_text(cgroup)
    groups.mkdir()
    return proc, groups


def limit(group: Path, most: str, used: int, cached: int = 0) -> None:
    group.mkdir(parents=True, exist_ok=True)
    (group / "memory.max").write_text(f"{most}\n")
    (group / "memory.current").write_text(f"{used}\n")
    (group / "memory.stat").write_text(f"anon 5\ninactive_file {cached}\nfile 7\n")


def test_without_limits_the_kernel_decides(tmp_path: Path) -> None:
    proc, groups = make_host(tmp_path, "0::/\n")
    assert find_free_memory(proc, groups) == FreeMemory(8 * GIB, "MemAvailable")


def test_the_tightest_cgroup_above_decides(tmp_path: Path) -> None:
    proc, groups = make_host(tmp_path, "0::/user/session\n")
    limit(groups / "user", str(4 * GIB), 3 * GIB)
    limit(groups / "user/session", "max", 2 * GIB)
    assert find_free_memory(proc, groups) == FreeMemory(GIB, "cgroup /user")


def test_page_cache_of_a_cgroup_counts_as_free(tmp_path: Path) -> None:
    proc, groups = make_host(tmp_path, "0::/job\n")
    limit(groups / "job", str(4 * GIB), 4 * GIB, cached=GIB)
    assert find_free_memory(proc, groups).bytes == GIB


@pytest.mark.parametrize("name", ["caf\u00e9", "a\x1c1:memory:/b", "a\rb", "\u2028"])
def test_a_cgroup_may_have_any_name(tmp_path: Path, name: str) -> None:
    proc, groups = make_host(tmp_path, "")
    (proc / "self/cgroup").write_bytes(f"0::/{name}\n".encode())
    limit(groups / name, str(4 * GIB), 3 * GIB)
    assert find_free_memory(proc, groups) == FreeMemory(GIB, f"cgroup /{name}")


def test_a_container_sees_its_limit_at_the_root(tmp_path: Path) -> None:
    proc, groups = make_host(tmp_path, "0::/\n")
    limit(groups, str(2 * GIB), GIB)
    assert find_free_memory(proc, groups) == FreeMemory(GIB, "cgroup /")


def test_version_one_counts_as_well(tmp_path: Path) -> None:
    proc, groups = make_host(tmp_path, "4:memory:/job\n3:cpu,cpuacct:/job\n")
    group = groups / "memory/job"
    group.mkdir(parents=True)
    (group / "memory.limit_in_bytes").write_text(str(2 * GIB))
    (group / "memory.usage_in_bytes").write_text(str(GIB))
    (group / "memory.stat").write_text("total_inactive_file 0\n")
    assert find_free_memory(proc, groups) == FreeMemory(GIB, "cgroup /job")


def test_more_used_than_allowed_leaves_nothing(tmp_path: Path) -> None:
    proc, groups = make_host(tmp_path, "0::/job\n")
    limit(groups / "job", str(GIB), 2 * GIB)
    assert find_free_memory(proc, groups).bytes == 0


def test_this_machine_has_memory_and_cores() -> None:
    assert find_free_memory().bytes > 0
    assert 1 <= count_cores() <= len(os.sched_getaffinity(0))


def test_siblings_count_once(tmp_path: Path) -> None:
    processors = sorted(os.sched_getaffinity(0))
    for processor in processors:
        topology = tmp_path / f"cpu{processor}/topology"
        topology.mkdir(parents=True)
        (topology / "thread_siblings_list").write_text("0-63\n")
    assert count_cores(tmp_path) == 1
    assert count_cores(tmp_path / "nothing") == len(processors)


def test_the_limit_on_file_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    soft, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    assert file_size_limit() == (None if soft == resource.RLIM_INFINITY else soft)
