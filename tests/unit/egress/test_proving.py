"""Nonces: nothing that arrives by itself looks like one."""

from __future__ import annotations

import re

from localai.egress.probes import PROBES
from localai.egress.probes.probe import FILTERS
from localai.egress.proving import _draw_nonces


def test_no_two_are_alike_and_none_is_a_part_of_another_spelt_out() -> None:
    drawn = _draw_nonces(FILTERS)
    sent = {*drawn.worker.values(), *drawn.control.values()}
    sent |= {nonce for nonces in drawn.filters.values() for nonce in nonces.values()}
    reading = sum(probe.reads for probe in PROBES)
    assert len(sent) == (2 + len(FILTERS)) * len(PROBES) - (1 + len(FILTERS)) * reading
    assert all(re.fullmatch("[1-9a-f][0-9a-f]{6}", nonce) for nonce in sent)
    for nonce in sent:
        spelt = nonce.encode().hex()
        assert not {spelt[at : at + 7] for at in range(8)} & sent
