"""Checks of what kube-proxy has made on a node notice when it is otherwise: each change here is caught by its check.

No manifest can bring these changes about, so they are made by hand, in the middle of a run: see ``sabotage.py``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from netproof.check import NoneBecause
from netproof.node.vm import qemu
from netproof.report.results import Results
from netproof.resources import data_directory
from netproof.running.listing import all_checks
from netproof.verdict import Verdict

from .conftest import NETPROOF, run_suite

pytestmark = pytest.mark.cluster

RUN_SECONDS = 900
"""Of one round: an emulated node boots in it, and of six checks each waits in vain for as long as it may."""
OF_THE_STATE = "of the state: "


class Change(NamedTuple):
    """What is changed on the first node while kube-proxy stands still.

    Attributes:
        mutant: how the check that must notice calls it.
        told: words of the failure that it has to bring about.
        script: what changes it.
        mended: what undoes that, where kube-proxy does not.
    """

    mutant: str
    told: str
    script: str = ":"
    mended: str = ":"


WITHOUT_RULE = """
rule=$(iptables-save -t nat | grep -m1 -e '-A KUBE-SVC-.*default/web-svc-cip.*statistic')
eval "iptables -t nat -D ${rule#-A }"
"""
OF_ALL = "s/ ! -s [0-9./]*//"
LIKELY = "s/--probability 0.5[0-9]*/--probability 0.9/"
OF_ANOTHER_MODE, OF_THE_MODE = "a chain of another mode is there", "a chain of the mode is missing"
STANDS_STILL = "kube-proxy stands still"
ON_LOOPBACK = "the loopback interface has the address"
HAS_ADDRESS, HAS_IT_NOT = "ip address add $ip/32 dev lo", "ip address delete $ip/32 dev lo"
NOT_REJECTED = "nothing rejects what is for no port"
NOT_IN_SET = "nft delete element ip kube-proxy cluster-ips { $ip }"
NOT_IN_MAP = """
entry=$(nft list map ip kube-proxy service-ips | grep -o "$ip . tcp . 80 .*:.*goto [^ ,]*")
nft delete element ip kube-proxy service-ips "{ $entry }"
"""

ROUNDS = {
    "iptables": [
        {
            "clusterip.no-interface": Change(ON_LOOPBACK, "silence to a ping", HAS_ADDRESS, HAS_IT_NOT),
            "clusterip.chains": Change("one pod has no rule", "DNAT to", WITHOUT_RULE),
            "clusterip.chains-follow": Change(STANDS_STILL, "rules for the Service"),
            "proxy.ping": Change(ON_LOOPBACK, "silence to a ping", HAS_ADDRESS, HAS_IT_NOT),
            "proxy.chains": Change(
                OF_ANOTHER_MODE,
                "no chain that only other modes",
                "iptables -t nat -N KUBE-NODE-PORT",
                "iptables -t nat -X KUBE-NODE-PORT",
            ),
        },
        {
            "clusterip.no-interface": Change(
                "the ARP table has the address",
                "the address in no ARP table",
                "ip neighbour replace $ip lladdr 02:00:00:00:00:01 dev eth0 nud permanent",
                "ip neighbour delete $ip dev eth0",
            ),
            "clusterip.chains": Change(
                "one pod has most of the chances",
                "the probabilities",
                f"iptables-save -t nat | sed '/web-svc-cip/{LIKELY}' | iptables-restore",
            ),
            "proxy.chains": Change(
                OF_THE_MODE,
                "the chains of mode iptables",
                "iptables -E KUBE-FORWARD elsewhere",
                "iptables -E elsewhere KUBE-FORWARD",
            ),
        },
        {
            "clusterip.chains": Change(
                "what comes from pods is masqueraded, too",
                "KUBE-MARK-MASQ for",
                f"iptables-save -t nat | sed '/web-svc-cip.*KUBE-MARK-MASQ/{OF_ALL}' | iptables-restore",
            ),
        },
    ],
    "nftables": [
        {
            "nftables.maps": Change("the address is not in the set", "in the set cluster-ips", NOT_IN_SET),
            "nftables.maps-follow": Change(STANDS_STILL, "in the map service-ips"),
            "proxy.ping": Change(NOT_REJECTED, "rejection to a ping", NOT_IN_SET),
            "proxy.chains": Change(
                OF_ANOTHER_MODE,
                "no chain that only other modes",
                "nft add chain ip kube-proxy mark-for-masquerade",
                "nft delete chain ip kube-proxy mark-for-masquerade",
            ),
        },
        {"nftables.maps": Change("the address is not in the map", "in the map service-ips", NOT_IN_MAP)},
    ],
    "ipvs": [
        {
            "ipvs.configured": Change(
                "ARP is not strict",
                "strict ARP",
                "sysctl -w net.ipv4.conf.all.arp_ignore=0",
                "sysctl -w net.ipv4.conf.all.arp_ignore=1",
            ),
            "ipvs.table": Change(
                "a real server is none of the pods", "10.244.0.99:8000", "ipvsadm -a -t $ip:80 -r 10.244.0.99:8000 -m"
            ),
            "ipvs.table-follows": Change(STANDS_STILL, "a virtual server"),
            "ipvs.addresses": Change(STANDS_STILL, "kube-ipvs0 to have each address"),
            "proxy.ping": Change(NOT_REJECTED, "rejection to a ping", "iptables -F KUBE-IPVS-FILTER"),
            "proxy.chains": Change(
                OF_ANOTHER_MODE,
                "no chain that only other modes",
                "iptables -N KUBE-EXTERNAL-SERVICES",
                "iptables -X KUBE-EXTERNAL-SERVICES",
            ),
        },
        {
            "ipvs.configured": Change(
                "kube-ipvs0 is up", "not UP", "ip link set kube-ipvs0 up", "ip link set kube-ipvs0 down"
            ),
            "ipvs.table": Change("the scheduler is another", "the scheduler rr", "ipvsadm -E -t $ip:80 -s wrr"),
        },
        {
            "ipvs.table": Change(
                "a port has a virtual server that the Service does not have",
                "one virtual server",
                "ipvsadm -A -t $ip:81 -s rr",
                "ipvsadm -D -t $ip:81",
            ),
        },
    ],
}
"""By proxy mode; a check can meet one change a round."""


ASKED_FOR = "NETPROOF_TEST_STATE_OF_IPVS"
"""The environment variable that asks for the rounds of mode ipvs."""
WANTS_A_MACHINE = pytest.mark.skipif(
    not os.environ.get(ASKED_FOR) or shutil.which(qemu.PROGRAM) is None,
    reason=f"wants {qemu.PROGRAM}, and a quarter of an hour where that emulates the node: {ASKED_FOR}=1 asks for it",
)


@pytest.fixture(scope="module")
def cluster_of() -> Iterator[Callable[[str], str]]:
    """The name of the cluster of a proxy mode, which serves all rounds of the mode; that of the mode before is ended.

    An emulated node wants the processors that a cluster without a use would take.
    """
    used: list[str] = []

    def name(mode: str) -> str:
        wanted = f"test-state-mutants-{mode}"
        if used != [wanted]:
            end()
            used.append(wanted)
        return wanted

    def end() -> None:
        while used:
            subprocess.run(
                [*NETPROOF, "down", "--cluster-name", used.pop()], check=False, timeout=60
            )  # none came up where a run failed before

    yield name
    end()


def test_every_mutant_of_the_state_that_a_check_names_is_tried() -> None:
    named = {
        (check.id, mutant.removeprefix(OF_THE_STATE))
        for check in all_checks(data_directory("suites"))
        if not isinstance(check.mutants, NoneBecause)
        for mutant in check.mutants
        if mutant.startswith(OF_THE_STATE)
    }

    tried = {(id_, change.mutant) for rounds in ROUNDS.values() for one in rounds for id_, change in one.items()}

    assert tried == named


@pytest.mark.parametrize(
    ("mode", "changes"),
    [
        pytest.param(mode, changes, id=",".join(changes), marks=WANTS_A_MACHINE if mode == "ipvs" else ())
        for mode, rounds in ROUNDS.items()
        for changes in rounds
    ],
)
def test_what_is_changed_on_a_node_is_noticed(
    mode: str, changes: dict[str, Change], cluster_of: Callable[[str], str], tmp_path: Path
) -> None:
    """Each check with a change fails, for the reason that its change is, and what they need passes."""
    results = prove(mode, cluster_of(mode), changes, tmp_path)

    caught = {one.id: one.message for one in results.checks if one.verdict is Verdict.FAILED}
    assert caught.keys() == changes.keys()
    assert {key: change.told in caught[key] for key, change in changes.items()} == dict.fromkeys(changes, True)
    assert {one.verdict for one in results.checks if one.id not in changes} <= {Verdict.PASSED}


def prove(mode: str, cluster: str, changes: dict[str, Change], reports: Path) -> Results:
    """Run the checks that meet a change, and what they need, in the cluster of a mode."""
    scripts = {key: (change.script, change.mended) for key, change in changes.items()}
    return run_suite(
        [
            *("-p", "sabotage", "--proxy-mode", mode, "--keep-cluster", "--cluster-name", cluster),
            *("--check", ",".join(changes)),
        ],
        reports,
        environment={"NETPROOF_TEST_SABOTAGE": json.dumps(scripts), "PYTHONPATH": str(Path(__file__).parent)},
        seconds=RUN_SECONDS,
    )
