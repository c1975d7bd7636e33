"""The annotations of ingress-nginx that Traefik's provider reads; all others it passes over in silence.

Source: ``pkg/provider/kubernetes/ingress-nginx/annotations.go`` of Traefik 3.7.
"""

from __future__ import annotations

from netproof.ingress.canary import PREFIX

_GROUPS = {
    "": "affinity affinity-canary-behavior allowlist-source-range app-root backend-protocol client-body-buffer-size"
    " configuration-snippet custom-headers custom-http-errors default-backend enable-access-log force-ssl-redirect"
    " from-to-www-redirect rewrite-target server-alias server-snippet service-upstream ssl-passthrough ssl-redirect"
    " upstream-hash-by upstream-vhost use-regex whitelist-source-range x-forwarded-prefix",
    "auth-": "method realm response-headers secret secret-type signin snippet type url"
    " tls-pass-certificate-to-upstream tls-secret tls-verify-client",
    "canary": " -by-cookie -by-header -by-header-pattern -by-header-value -weight -weight-total",
    "cors-": "allow-credentials allow-headers allow-methods allow-origin expose-headers max-age",
    "enable-": "cors global-auth modsecurity owasp-core-rules",
    "limit-": "burst-multiplier connections rpm rps",
    "modsecurity-": "snippet transaction-id",
    "permanent-redirect": " -code",
    "proxy-": "body-size buffer-size buffering buffers-number connect-timeout http-version max-temp-file-size"
    " next-upstream next-upstream-timeout next-upstream-tries read-timeout request-buffering send-timeout"
    " ssl-name ssl-secret ssl-server-name ssl-verify",
    "session-cookie-": "domain expires max-age name path samesite secure",
    "temporal-redirect": " -code",
}

READ_BY_TRAEFIK = frozenset(
    f"{PREFIX}{beginning}{end}" for beginning, ends in _GROUPS.items() for end in ends.split(" ")
)
"""Their full names."""
