"""What Prometheus sees of the doors; labels are fixed words."""

from prometheus_client import Counter

AUTH_EVENTS = Counter("auth_events_total", "What happened at the doors.", ["event", "result"])
