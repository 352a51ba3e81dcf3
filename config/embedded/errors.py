"""What can go wrong with the local servers, in words for the person who started them."""


class ServersError(Exception):
    """The local servers cannot be had; the message says what to do."""


class AlreadyRunning(ServersError):
    """Another supervisor holds this home."""
