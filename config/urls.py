"""Every address of the product. Routes answer with and without their trailing slash."""

from django.contrib import admin
from django.urls import include, path

from accounts.api.urls import unversioned
from config import docs, health, information
from config.kernel.routes import route

urlpatterns = [
    path("api/v1/", include("markets.api.urls")),  # first, because routes are tried in turn and these are asked most
    path("api/v1/", include("risk.api.urls")),
    route("", information.root, name="root"),
    route("health", health.health, name="health"),
    route("livez", health.livez, name="livez"),
    route("readyz", health.readyz, name="readyz"),
    route("metrics", health.metrics, name="metrics"),
    route("docs", docs.swagger, name="docs"),
    route("apidocs/", docs.swagger, name="apidocs"),
    route("redoc", docs.redoc, name="redoc"),
    route("docs/start.js", docs.swagger_script, name="docs-script"),
    route("openapi.json", docs.openapi, name="openapi"),
    route("api/v1/schema", docs.Schema.as_view(), name="schema"),
    route("api/v1/limits", information.Limits.as_view(), name="limits"),
    path("api/v1/", include("accounts.api.urls")),
    path("api/", include(unversioned)),
    path("admin/", admin.site.urls),
]

handler400 = "config.kernel.envelope.bad_request"
handler403 = "config.kernel.envelope.forbidden"
handler404 = "config.kernel.envelope.not_found"
handler500 = "config.kernel.envelope.server_error"
