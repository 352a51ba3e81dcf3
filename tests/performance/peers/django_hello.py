"""Django with one view and no middleware: what the framework itself costs."""

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], MIDDLEWARE=[], SECRET_KEY="a view that says hello")

# Its length is told, as Django's common middleware would: else the server sends it in chunks, which costs it more.
ANSWER = b'{"hello":"world"}'


def hello(request: HttpRequest) -> HttpResponse:
    return HttpResponse(ANSWER, content_type="application/json", headers={"Content-Length": str(len(ANSWER))})


urlpatterns = [path("", hello)]
application = get_wsgi_application()
