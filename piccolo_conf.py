"""Where Piccolo finds the engine and the apps; their order is the order of the layers, lowest first."""

from piccolo.conf.apps import AppRegistry

from partner_portal.infra.db import DB  # noqa: F401  # Piccolo reads the engine by this name

APP_REGISTRY = AppRegistry(
    apps=[
        "partner_portal.infra.piccolo_app",
        "tenants.piccolo_app",
        "billing.piccolo_app",
        "knowledge_base.piccolo_app",
        "terminations.piccolo_app",
        "piccolo_admin.piccolo_app",
        "admin.piccolo_app",
    ]
)
