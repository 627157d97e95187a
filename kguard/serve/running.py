# SPDX-License-Identifier: Apache-2.0
"""How does the server start, keep itself up to date, and stop?"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from kguard.admission import MAX_REVIEW_BYTES
from kguard.errors import KguardError, UsageError
from kguard.serve.http import Limits, Server
from kguard.serve.log import log
from kguard.serve.settings import Serving, Setup, compile_all
from kguard.serve.tls import Certificates, Files
from kguard.serve.views import View
from kguard.serve.webhook import Webhook


def run(serving: Serving, files: Files, view: View, setup: Callable[[], Setup]) -> None:
    """Serve until SIGTERM or SIGINT, then finish the requests that are there.

    Args:
        serving: how the server behaves.
        files: its certificate.
        view: the cluster that requests are judged in.
        setup: reads policies and settings; called again now and then.

    Raises:
        UsageError: the certificate cannot be used, or the address cannot be bound.
        KguardError: policies or settings cannot be read.
    """
    certificates = Certificates(files)
    first = setup()
    compile_all(first)
    webhook = Webhook(serving, view, first, need_certificate=files.client_ca is not None)
    try:
        asyncio.run(_serve(serving, certificates, webhook, setup))
    finally:
        webhook.close()


async def _serve(
    serving: Serving, certificates: Certificates, webhook: Webhook, setup: Callable[[], Setup]
) -> None:
    server = Server(webhook, Limits(MAX_REVIEW_BYTES, max(serving.memory, MAX_REVIEW_BYTES)))
    webhook.refused = lambda: server.refused
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, told.set)
    try:
        port = await server.start(serving.host, serving.port, certificates.context)
    except OSError as error:
        where = f"{serving.host}:{serving.port}"
        reason = error.strerror or str(error)
        raise UsageError(f"the address cannot be bound: {reason}", where=where) from None
    log("info", "listening", host=serving.host, port=port, mode=serving.mode)
    reloading = _reload(serving, certificates, webhook, setup)
    beside = [asyncio.create_task(work) for work in (webhook.warm(), reloading)]
    await told.wait()
    log("info", "stopping")
    webhook.stopping = True
    for task in beside:
        task.cancel()
    await asyncio.gather(*beside, return_exceptions=True)
    await server.stop()
    log("info", "stopped")


async def _reload(
    serving: Serving, certificates: Certificates, webhook: Webhook, setup: Callable[[], Setup]
) -> None:
    """Look at the files now and then; what cannot be read leaves everything as it was."""
    while True:
        await asyncio.sleep(serving.reload)
        await _reloaded(webhook, "tls", certificates.refresh)

        def again() -> bool:
            found = setup()
            changed = found.digest != webhook.setup.digest
            if changed:
                compile_all(found)
                webhook.setup = found
            return changed

        await _reloaded(webhook, "policies", again)


async def _reloaded(webhook: Webhook, what: str, look: Callable[[], bool]) -> None:
    try:
        if await asyncio.to_thread(look):
            webhook.metrics.reloaded(what, "changed")
            log("info", "reloaded", what=what, digest=webhook.setup.digest)
    except KguardError as error:
        webhook.metrics.reloaded(what, "failed")
        log("error", "not reloaded", what=what, reason=str(error))
