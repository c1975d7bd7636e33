"""What a resolver goes by: /etc/resolv.conf (resolv.conf(5)) and /etc/hosts (hosts(5)), from their texts."""

from __future__ import annotations

from dataclasses import dataclass

from netproof.observe.standpoint import DnsAnswer, Standpoint

_DEFAULT_NDOTS = 1


@dataclass(frozen=True, slots=True)
class ResolvConf:
    """The configuration of a resolver.

    Attributes:
        nameservers: the addresses of the name servers, in their order.
        search: the domains that are tried as endings, in their order.
        options: the options with their values, such as ``{"ndots": "5"}``; empty where one has no value.
    """

    nameservers: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> ResolvConf:
        """The configuration that a file says; of several ``search`` lines the last one counts."""
        nameservers: list[str] = []
        search: tuple[str, ...] = ()
        options: list[tuple[str, str]] = []
        for line in text.splitlines():
            match line.split():
                case ["nameserver", address, *_]:
                    nameservers.append(address)
                case ["search" | "domain", *domains]:
                    search = tuple(domains)
                case ["options", *found]:
                    options += [(name, value) for name, _, value in (option.partition(":") for option in found)]
        return cls(tuple(nameservers), search, tuple(options))

    @property
    def ndots(self) -> int:
        """With fewer dots than this, a name is tried with the endings before it is tried as it is."""
        return int(dict(self.options).get("ndots", _DEFAULT_NDOTS))

    def candidates(self, name: str) -> tuple[str, ...]:
        """The absolute names that a resolver tries for ``name``, in its order."""
        if name.endswith("."):
            return (name,)
        absolute = (f"{name}.",)
        with_endings = tuple(f"{name}.{domain.rstrip('.')}." for domain in self.search if domain.strip("."))
        return (*absolute, *with_endings) if name.count(".") >= self.ndots else (*with_endings, *absolute)

    def look_up(self, place: Standpoint, name: str, record_type: str = "A", *, tcp: bool = False) -> DnsAnswer:
        """The answer that a resolver with this configuration would come to at a place.

        That is the first answer with records to one of the :meth:`candidates`; where none has records, the last answer.
        """
        for candidate in self.candidates(name):
            answer = place.resolve(candidate, record_type, server=self.nameservers[0], tcp=tcp)
            if answer.reply.answers:
                break
        return answer


def parse_hosts(text: str) -> dict[str, str]:
    """The address of each name in a hosts file; where one is there twice, the first counts."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        for name in names:
            found.setdefault(name, address)
    return found
