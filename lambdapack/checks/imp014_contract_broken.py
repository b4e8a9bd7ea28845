"""A name that the configuration promises is not in the artifact.

What it finds
    `contracts = ["shared.config:Config.load"]` of a function names what has to be there beside the handler: for callers
    that find it by a string (entry points, state machines, job queues) and that no import shows. Each module is
    followed as the handler's is; a name that no statement binds, and an attribute that a class without bases does not
    have, are errors. What the source does not decide is an info: the import test looks it up in the running runtime.

Why it fails on Lambda
    It does not fail when the function starts, but when somebody asks for the name: "AttributeError: type object
    'Config' has no attribute 'load'", "ModuleNotFoundError: No module named 'shared.config'".

How to fix it
    Pack the module (`shared = [...]`), define the name, or change the contract. For what is an info:
    `lambdapack check --function NAME` runs the import test.

When to ignore it
    As an info, when an import test runs elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import ContractFacts, Hit, Severity, Subject, check


@check("IMP014", "breaks a contract", severities=("error", "info"))
def contract_broken(subject: Subject) -> Iterator[Hit]:
    tested = {item.target: item.error for attempt in subject.attempts for item in attempt.contracts}
    for contract in subject.contracts:
        error = tested.get(contract.text)
        state: str = contract.state
        if error is None and (state == "kept" or contract.text in tested):
            continue
        if error is None and state == "undecided":
            message = "the source does not decide whether it is there"
            fix = "let the import test look it up: lambdapack check or lambdapack test"
        elif error is not None:
            state = "broken"
            message, fix = f"the import test says: {error}", "define it, or change the contract"
        else:
            message, fix = _explain(contract, subject)
        yield Hit(
            path=contract.path,
            message=f"contract {contract.text}: {message}",
            fix=fix,
            evidence={
                "contract": contract.text,
                "module": contract.module,
                "name": contract.name,
                "state": state,
                "error": error,
            },
            severity=Severity.INFO if state == "undecided" else Severity.ERROR,
        )


def _explain(contract: ContractFacts, subject: Subject) -> tuple[str, str]:
    failure = contract.failure
    if failure is not None and contract.state == "missing-module":
        place = subject.hints.first_party(failure.module.partition(".")[0])
        advice = f'add "{place}" to shared = [...] of the function' if place else f"pack {contract.module}"
        return f"there is no module {failure.module}", advice
    if failure is not None:
        what = f"{failure.kind} {failure.name or failure.module}"
        return (
            f"importing {contract.module} fails in {failure.path}, line {failure.line} ({what})",
            "mend that import, or change the contract",
        )
    return f"{contract.owner} has no {contract.name}", f"define {contract.name} there, or change the contract"
