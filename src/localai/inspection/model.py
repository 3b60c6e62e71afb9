"""A GGUF model: its facts, its templates, its findings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from localai.errors import DocumentError
from localai.findings import Finding
from localai.formats.contents import Fact
from localai.gguf.describe import show_count
from localai.gguf.facts import GgufFile, find_templates
from localai.gguf.finding import unsound
from localai.gguf.inspect import OpenGguf, inspect
from localai.gguf.lineage import list_lineage
from localai.gguf.memory import inference_bytes
from localai.gguf.reader import read_gguf
from localai.gguf.template import describe_roles
from localai.hardware import show_bytes
from localai.inspection.types import InspectedFile, Inspection
from localai.sealing import OpenFile


def inspect_model(path: Path, files: Sequence[OpenFile], context: int) -> Inspection:
    """The GGUF ``files`` of one model, first part first; memory is for ``context`` tokens.

    Nothing is hashed here.
    """
    found = Inspection(str(path), "GGUF", list_files(files))
    headers: list[GgufFile] = []
    for file in files:
        try:
            headers.append(read_gguf(file.fd, file.size, headers))
        except DocumentError as error:
            return found._replace(findings=(unsound(file.path.name, error),))
    opened = [OpenGguf(file.fd, header) for file, header in zip(files, headers, strict=True)]
    return found._replace(
        format=f"GGUF v{headers[0].version}",
        facts=_list_facts(headers, sum(file.size for file in files), context),
        findings=_judge(opened),
        templates=tuple(one for header in headers for one in find_templates(header)),
        headers=tuple(headers),
    )


def _judge(files: Sequence[OpenGguf]) -> tuple[Finding, ...]:
    try:
        return inspect(files)
    except OSError as error:  # a disk or a server that fails half-way
        raise DocumentError(
            f"cannot read the file: {error.strerror}", hint="check the disk, then try again"
        ) from error


def list_files(files: Sequence[OpenFile]) -> tuple[InspectedFile, ...]:
    """The files without digests."""
    return tuple(InspectedFile(file.path.name, file.size) for file in files)


def _list_facts(headers: Sequence[GgufFile], size: int, context: int) -> tuple[Fact, ...]:
    first = headers[0]
    parameters = sum(header.parameters for header in headers)
    trained = first.context_length
    needed = size + inference_bytes(headers, context, repack=True)
    stated = dict(list_lineage(first))
    lineage = [Fact(word, said) for word, said in stated.items() if word != "licence"]
    facts = (
        Fact("name", first.name),
        Fact("architecture", first.architecture),
        Fact("parameters", parameters, show_count(parameters)),
        Fact("quantisation", first.quantisation),
        Fact("context", trained or "", f"{trained} tokens" if trained else ""),
        Fact("licence", stated.get("licence", "")),
        *(lineage or [Fact("lineage", "")]),
        *_describe_template(first.template),
        Fact("memory", needed, f"{show_bytes(needed)} with a context of {context} tokens"),
    )
    return tuple(fact if fact.text else fact._replace(shown="not stated") for fact in facts)


def _describe_template(source: str | None) -> list[Fact]:
    """What the template makes of each kind of message; a template that cannot be read is a
    finding."""
    roles = describe_roles(source) if source else None
    if roles is None:
        return []
    treated = {name: getattr(roles, name).value for name in ("system", "user", "assistant", "tool")}
    tools = "offers tools" if roles.tools else "offers no tools"
    by_treatment = [
        f"{', '.join(name for name in treated if treated[name] == what)} {what}"
        for what in dict.fromkeys(treated.values())
    ]
    value = (*(f"{name} {what}" for name, what in treated.items()), tools)
    return [Fact("messages", value, "; ".join((*by_treatment, tools)))]
