# SPDX-License-Identifier: Apache-2.0
"""What can be proposed so that mutual TLS is really in force?

The ladder, of which no rung is skipped: put workloads into the mesh, offer mutual TLS
(PERMISSIVE), mend the clients, then ask for it (STRICT), from the namespace to the mesh. Whoever
is known to call without identity keeps what works, and the reason is given.
"""

from __future__ import annotations

from collections.abc import Mapping

from kguard.layers.mtls.remedy.ambient import explicit_modes
from kguard.layers.mtls.remedy.clients import client_tls, mutual_everywhere
from kguard.layers.mtls.remedy.disabled import allow_mutual_tls
from kguard.layers.mtls.remedy.enrolment import enrol
from kguard.layers.mtls.remedy.exceptions import except_webhook, strict_port
from kguard.layers.mtls.remedy.gateways import redirect_http
from kguard.layers.mtls.remedy.strict import strict
from kguard.model.remedies import RemedyFunction

REMEDIES: Mapping[str, RemedyFunction] = {
    "allow_mutual_tls": allow_mutual_tls,
    "client_tls": client_tls,
    "enrol": enrol,
    "except_webhook": except_webhook,
    "explicit_modes": explicit_modes,
    "mutual_everywhere": mutual_everywhere,
    "redirect_http": redirect_http,
    "strict": strict,
    "strict_port": strict_port,
}
