"""Commands around one person, what they may ask for, and how long data is kept at all."""

from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.friendly import friendly
from orchestration.terminal import console


def explain(
    customer: Annotated[
        str,
        typer.Argument(
            help="customer_id, e-mail address, phone number, card number, or a visit's session_id."
        ),
    ],
    other: Annotated[
        str | None, typer.Argument(help="With --why: another one, or a record (shop/orders:4711).")
    ] = None,
    why: Annotated[
        bool, typer.Option("--why", help="Say why two are, or are not, one person.")
    ] = False,
) -> None:
    """Tell a person's identifiers, consents, stage and scores, and why each sync holds them.

    Of an anonymous visit that is going on: what it will likeliest do next.
    """
    from orchestration.demo import show_customer, show_why

    if why != (other is not None):
        raise typer.BadParameter("--why compares two: regulars explain --why A B")
    with friendly() as settings:
        if other is not None:
            show_why(settings, customer, other)
        else:
            show_customer(settings, customer)


def export(
    customer: Annotated[
        str, typer.Argument(help="customer_id, e-mail address, phone number or card number.")
    ],
    folder: Annotated[
        Path | None, typer.Option(help="Where to; a new folder in the state folder otherwise.")
    ] = None,
) -> None:
    """Write down everything known of a person, as they may ask for it: JSON, and CSV per table."""
    from orchestration.export import export_customer

    with friendly() as settings:
        exported = export_customer(settings, customer, folder)
        console.print(f"The export: {exported.folder}", soft_wrap=True)
        console.print("It holds personal data in clear text. Hand it over safely, then delete it.")


def erase(
    customer: Annotated[
        str | None,
        typer.Argument(help="customer_id, e-mail address, phone number or card number."),
    ] = None,
    reason: Annotated[str, typer.Option(help="Why, for the certificate; no personal data.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; erase.")] = False,
    pending: Annotated[
        bool, typer.Option("--pending", help="Everybody in the source erasure_requests.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an erasure that was interrupted.")
    ] = False,
) -> None:
    """Erase a person: from files, tables, ledger and platforms, with proof that nothing is left."""
    from orchestration.erasure import command

    if [customer is not None, pending, resume].count(True) != 1:
        raise typer.BadParameter("Name one customer, or --pending, or --resume.")
    with friendly() as settings:
        if customer is not None:
            command.erase_customer(settings, customer, reason, yes)
        elif pending:
            command.erase_pending(settings, yes)
        else:
            command.resume(settings)


def readmit(
    identifier: Annotated[
        str, typer.Argument(help="E-mail address, phone number (+49…), or id at a source.")
    ],
    reason: Annotated[
        str, typer.Option(help="Why, for the journal, e.g. 'new account'; no personal data.")
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; let it in.")] = False,
) -> None:
    """Let an erased identifier in again, because its person came back; consent starts at none."""
    from orchestration.erasure.readmission import readmit as let_in

    with friendly() as settings:
        let_in(settings, identifier, reason, yes)


def records(
    folder: Annotated[
        Path | None, typer.Option(help="Where to; records/ in the state folder otherwise.")
    ] = None,
) -> None:
    """Draw up the record of processing and a draft impact assessment (GDPR articles 30 and 35)."""
    from orchestration.records.command import write_records

    with friendly() as settings:
        write_records(settings, folder)


def retention(
    delete: Annotated[bool, typer.Option("--delete", help="Delete what is due.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; delete.")] = False,
) -> None:
    """Count what is older than the clock of its category, and delete it when told to."""
    from orchestration.retention import command

    with friendly() as settings:
        command.run(settings, delete, yes)
