"""The tables of infra alone."""

from piccolo.conf.apps import AppRegistry

from partner_portal.infra.db import DB  # noqa: F401

APP_REGISTRY = AppRegistry(apps=["partner_portal.infra.piccolo_app"])
