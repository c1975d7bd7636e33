"""The rules of hygiene, one module for each matter."""

from netproof.hygiene.rules.addresses import ADVERTISEMENT, SHARING_KEYS
from netproof.hygiene.rules.backends import BACKENDS, INGRESS_CLASS, PATHS
from netproof.hygiene.rules.canaries import CANARIES
from netproof.hygiene.rules.duplicates import DUPLICATE_KEYS, REDEFINED
from netproof.hygiene.rules.files import FILES
from netproof.hygiene.rules.namespaces import NAMESPACE_MISSING
from netproof.hygiene.rules.ports import PORTS
from netproof.hygiene.rules.removed_api import REMOVED_API
from netproof.hygiene.rules.security import SECURITY
from netproof.hygiene.rules.selectors import SELECTORS
from netproof.hygiene.rules.validity import UNKNOWN_FIELD, VALID
from netproof.hygiene.rules.volumes import VOLUMES

RULES = (
    VALID,
    UNKNOWN_FIELD,
    REMOVED_API,
    DUPLICATE_KEYS,
    REDEFINED,
    NAMESPACE_MISSING,
    FILES,
    SELECTORS,
    PORTS,
    BACKENDS,
    INGRESS_CLASS,
    PATHS,
    CANARIES,
    SHARING_KEYS,
    ADVERTISEMENT,
    VOLUMES,
    *SECURITY,
)
"""All rules, in the order in which a report has them."""

RULE_OF_ID = {rule.id: rule for rule in RULES}

__all__ = ["RULES", "RULE_OF_ID"]
