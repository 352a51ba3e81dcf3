"""`python -m config.launcher`: start the product, or say where it already runs."""

import sys
from pathlib import Path

from config.embedded.errors import ServersError
from config.embedded.given import Given
from config.embedded.home import hold
from config.launcher.product import Product
from config.launcher.state import State

REPOSITORY = Path(__file__).resolve().parents[2]


def main(repository: Path = REPOSITORY) -> int:
    """Serve until stopped; returns the exit code."""
    try:
        state = State(repository)
        with hold(state.lock) as held:
            if not held:
                address = state.published()
                where = f"at {address['base_url']}" if address else "and is still starting"
                say(f"The product of this checkout is already running {where}.")
                return 0
            state.withdraw()  # what a killed launcher left
            Product(repository, state, Given.to_checkout(repository), say).run()
    except ServersError as error:
        say(str(error))
        return 1
    return 0


def say(message: str) -> None:
    """Tell the person at the terminal, at once also through a pipe."""
    sys.stdout.write(f"{message}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
