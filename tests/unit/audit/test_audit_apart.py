"""What an audit remembers never authorises a run: nothing that starts or verifies can read it."""

from __future__ import annotations

from pathlib import Path

import localai

SOURCE = Path(localai.__file__).parent
READERS = {"cli/manifests/auditing.py", "cli/manifests/auditscreen.py"}


def names_audit(path: Path) -> bool:
    return "localai.audit" in path.read_text("utf-8") or "audit-cache" in path.read_text("utf-8")


def test_only_the_audit_and_its_reports_know_the_cache() -> None:
    known = {str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.py") if names_audit(path)}
    others = {name for name in known if not name.startswith(("audit/", "reports/audit"))}
    assert others == READERS
    assert "audit/cache.py" in known
