"""The whole sandbox as one ASGI application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette

from sandbox.platforms import members
from sandbox.platforms.brevo import BREVO
from sandbox.platforms.faults import Faults
from sandbox.platforms.fcm import FCM
from sandbox.platforms.gateway import Gateway
from sandbox.platforms.google import GOOGLE
from sandbox.platforms.hubspot import HUBSPOT
from sandbox.platforms.inspection import Inspection
from sandbox.platforms.klaviyo import KLAVIYO
from sandbox.platforms.meta import META
from sandbox.platforms.state import Store
from sandbox.platforms.vendor import Settings
from sandbox.platforms.web_push import WEB_PUSH
from sandbox.platforms.webhook import WEBHOOK

VENDORS = (KLAVIYO, GOOGLE, META, FCM, BREVO, HUBSPOT, WEBHOOK, WEB_PUSH)


def create_app(database: Path, settings: Settings | None = None) -> Starlette:
    """Return the application over a state file, which is created when it does not exist."""
    store = Store(database, [members.TABLES, *(vendor.tables for vendor in VENDORS)])
    faults = Faults()
    gateway = Gateway(store, settings or Settings(), faults)
    routes = Inspection(store, VENDORS, faults).routes()
    routes += [route for vendor in VENDORS for route in gateway.routes(vendor)]

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        store.close()

    return Starlette(routes=routes, lifespan=lifespan)
