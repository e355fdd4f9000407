"""The deployed function that gets events asynchronously: how long all its tries take, and where to look."""

from collections.abc import Mapping, Sequence

from replay.functions.function import Function
from replay.targets.carrier import OBSERVE_FOR_S, CarrierOptions, Watch, Whose
from replay.targets.observing.consumers import chosen_function
from replay.targets.observing.function_watches import Clients, DeployedFunction, asynchronous_watches, queue_watches
from replay.targets.observing.letter_owners import plain_name


def called_watches(
    clients: Clients,
    options: CarrierOptions,
    called: Sequence[str],
    *,
    function: Function,
    where: str,
    emulators_try_again: bool = True,
    undelivered: Mapping[str, Whose] | None = None,
) -> list[Watch]:
    """
    Give the log, dead letters, destinations and metrics of the one of *called* that is *function*.

    Args:
        called: ARNs of functions that AWS calls.
        emulators_try_again: Whether emulators try again what failed, as AWS does.
        undelivered: The queues that events go to with which a function could not even be called, and whose they are.

    Raises:
        ConfigurationError: They are several, and nobody says which it is.
        AwsError: The function cannot be looked at.
    """
    patience_s = called_patience_s(clients, options, called, function=function, where=where)
    deployed = chosen_function(called, asked=options.function, function=function, where=where)
    named: dict[str, Whose] = {options.dead_letter_queue: "presumed"} if options.dead_letter_queue else {}
    if not deployed:
        return [*queue_watches(clients, [(queue, "dead_lettered") for queue in named], patience_s=patience_s)]
    others = [each for each in called if plain_name(each) != plain_name(deployed)]
    return asynchronous_watches(
        clients,
        deployed,
        code=function.code,
        patience_s=patience_s,
        emulators_try_again=emulators_try_again,
        others=others if len(others) < len(called) else None,  # who else is called may not be known
        queues={**named, **(undelivered or {})},
    )


def called_patience_s(
    clients: Clients, options: CarrierOptions, called: Sequence[str], *, function: Function, where: str
) -> float:
    """
    Say how long all tries of it take; a minute where nobody knows the function.

    Raises:
        ConfigurationError: They are several, and nobody says which it is.
        AwsError: The function cannot be looked at.
    """
    if options.observe_for_s is not None:
        return options.observe_for_s
    deployed = chosen_function(called, asked=options.function, function=function, where=where)
    return DeployedFunction(clients, deployed).patience_s if deployed else OBSERVE_FOR_S
