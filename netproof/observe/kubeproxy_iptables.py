"""How kube-proxy lays out a Service in iptables, read from a rule set.

The mechanism: ``KUBE-SERVICES`` (jumped to from PREROUTING and OUTPUT of the table nat) matches the ClusterIP, protocol
and port and jumps to the Service's ``KUBE-SVC-<hash>``. That chain first marks for masquerading what does not come from
a pod (``! -s <cluster CIDR>``), then jumps to one ``KUBE-SEP-<hash>`` an endpoint: n rules with the probabilities 1/n,
1/(n-1), ..., the last without any, so that each endpoint is chosen with 1/n. The endpoint's chain marks hairpin traffic
(from the endpoint itself) and writes the destination (DNAT). A Service without endpoints has no such chains but a
REJECT in ``KUBE-SERVICES`` of the table filter. With session affinity each endpoint has one more rule in front of the
others (``-m recent``).

The rule: kubernetes/kubernetes, pkg/proxy/iptables/proxier.go (``syncProxyRules``, ``writeServiceToEndpointRules``,
``computeProbability``), whose output proxier_test.go shows. ``KUBE-SVL-`` instead of ``KUBE-SVC-`` is the chain of the
node's own endpoints alone, for internalTrafficPolicy Local.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from netproof.observe.packetfilter import Chain, Counters, Operand, Rule, Ruleset

_MARK_FOR_MASQUERADE = "KUBE-MARK-MASQ"
_PROBABILITY_TOLERANCE = 1e-8
"""kube-proxy writes ten decimals and the kernel keeps a multiple of 2^-31."""


class ServiceNotProgrammedError(LookupError):
    """The rule set does not have what kube-proxy writes for a Service; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint of a Service.

    Attributes:
        chain: its KUBE-SEP chain.
        address: the pod's address that DNAT writes.
        port: the pod's port that DNAT writes.
        probability: of its rule in the Service's chain, or None where the rule matches always.
        jump_counters: how often its rule in the Service's chain was taken.
        hairpin_marked: whether traffic from the endpoint itself is marked for masquerading.
    """

    chain: str
    address: str
    port: int
    probability: float | None
    jump_counters: Counters
    hairpin_marked: bool

    @property
    def target(self) -> str:
        """Address and port, as DNAT writes them."""
        return f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True)
class ServiceChains:
    """What kube-proxy wrote for one port of a Service."""

    service_rule: Rule
    service_chain: Chain
    endpoints: tuple[Endpoint, ...]

    @classmethod
    def of(cls, ruleset: Ruleset, cluster_ip: str, port: int, protocol: str = "tcp") -> ServiceChains:
        """The chains of one port of a Service.

        Raises:
            ServiceNotProgrammedError: a part of the layout is not there.
        """
        nat = ruleset.table("nat")
        wanted = f"{cluster_ip}:{port}/{protocol}"
        services = nat.chains.get("KUBE-SERVICES")
        if services is None:
            raise ServiceNotProgrammedError("the table nat has no chain KUBE-SERVICES: kube-proxy has written nothing")
        rule = next((one for one in services.rules if _matches(one, cluster_ip, port, protocol)), None)
        if rule is None:
            refused = (
                " (a rule refuses it for want of endpoints)" if rejected(ruleset, cluster_ip, port, protocol) else ""
            )
            raise ServiceNotProgrammedError(f"no rule of KUBE-SERVICES matches {wanted}{refused}")
        chain = nat.chains.get(rule.target)
        if chain is None:
            raise ServiceNotProgrammedError(f"the rule for {wanted} jumps to {rule.target!r}, which is no chain")
        jumps = [one for one in chain.rules if one.target.startswith("KUBE-SEP-") and "recent" not in one.matches]
        return cls(rule, chain, tuple(_endpoint(nat.chains.get(one.target), one) for one in jumps))

    @property
    def masquerade_rules(self) -> tuple[Rule, ...]:
        """The rules of the Service's chain that mark for masquerading."""
        return self.service_chain.jumping_to(_MARK_FOR_MASQUERADE)

    @property
    def masquerade_condition(self) -> Operand | None:
        """Whose traffic to the Service is masqueraded: by default all but the cluster CIDR's; None where nobody's."""
        return self.masquerade_rules[0].source if self.masquerade_rules else None

    @property
    def has_affinity(self) -> bool:
        """Whether a client comes back to its endpoint (sessionAffinity ClientIP)."""
        return any("recent" in rule.matches for rule in self.service_chain.rules)

    @property
    def targets(self) -> frozenset[str]:
        """Address and port of each endpoint."""
        return frozenset(endpoint.target for endpoint in self.endpoints)

    @property
    def probabilities(self) -> tuple[float, ...]:
        """The probability of each endpoint's rule in their order; 1 where it matches always."""
        return tuple(1.0 if one.probability is None else one.probability for one in self.endpoints)

    @property
    def shares(self) -> dict[str, float]:
        """The share of new connections that each endpoint gets, by what its rule and those before it say."""
        left, shares = 1.0, {}
        for endpoint, probability in zip(self.endpoints, self.probabilities, strict=True):
            shares[endpoint.target] = left * probability
            left -= left * probability
        return shares

    @property
    def balanced(self) -> bool:
        """Whether the probabilities are 1/n, 1/(n-1), ..., 1, which makes all shares equal."""
        expected = [float(Fraction(1, left)) for left in range(len(self.endpoints), 0, -1)]
        return bool(expected) and all(
            abs(seen - wanted) < _PROBABILITY_TOLERANCE
            for seen, wanted in zip(self.probabilities, expected, strict=True)
        )


def rejected(ruleset: Ruleset, cluster_ip: str, port: int, protocol: str = "tcp") -> bool:
    """Whether the table filter refuses a Service's port, which it does for want of endpoints."""
    services = ruleset.table("filter").chains.get("KUBE-SERVICES")
    return services is not None and any(
        _matches(rule, cluster_ip, port, protocol) and rule.target == "REJECT" for rule in services.rules
    )


def _matches(rule: Rule, cluster_ip: str, port: int, protocol: str) -> bool:
    destination = rule.destination
    return (
        destination is not None
        and not destination.negated
        and destination.value in {cluster_ip, f"{cluster_ip}/32"}
        and rule.destination_port == port
        and rule.protocol == protocol.lower()
    )


def _endpoint(chain: Chain | None, jump: Rule) -> Endpoint:
    translation = next(iter(chain.jumping_to("DNAT")), None) if chain else None
    if chain is None or translation is None:
        raise ServiceNotProgrammedError(f"the endpoint chain {jump.target} has no DNAT rule")
    address, _, port = translation.to_destination.rpartition(":")
    return Endpoint(
        chain=chain.name,
        address=address,
        port=int(port),
        probability=jump.probability,
        jump_counters=jump.counters,
        hairpin_marked=any(rule.source == Operand(f"{address}/32") for rule in chain.jumping_to(_MARK_FOR_MASQUERADE)),
    )
