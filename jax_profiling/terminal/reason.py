"""Why something failed, in one line."""


def reason_of(error):
    """The kind and the words of an exception, cut to what a line of a report holds."""
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {words[:200]}"
