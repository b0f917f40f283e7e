"""What can go wrong, by name."""


class IntegrationError(RuntimeError):
    """The integrator gave up before the end and the caller asked for an error instead of a part."""


class KernelError(RuntimeError):
    """Compiled code that does not do what the reference does: its own fault, or the compiler's."""


class ClaimViolated(AssertionError):
    """A claim was refuted; the text is the verdict."""


class UnknownNameError(KeyError, ValueError):
    """A name that is not registered; the text lists the nearest known names."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""
