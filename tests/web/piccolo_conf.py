"""The web layer's tests know no domain: of the portal's own tables, those of infra only."""

from piccolo.conf.apps import AppRegistry

from partner_portal.infra.db import DB  # noqa: F401  # Piccolo reads the engine by this name

APP_REGISTRY = AppRegistry(apps=["partner_portal.infra.piccolo_app"])
