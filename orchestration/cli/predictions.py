"""Commands around the versions of predictions."""

from typing import Annotated

import typer

from orchestration.cli.friendly import friendly


def models(
    prediction: Annotated[
        str | None, typer.Argument(metavar="PREDICTION", help="One, e.g. next_order; else all.")
    ] = None,
    card: Annotated[
        bool, typer.Option("--card", help="Print the card of the version that scores.")
    ] = False,
) -> None:
    """List the versions of predictions: how good each was, which one scores, where its card is."""
    from orchestration.versions import show_card, show_versions

    if card and prediction is None:
        raise typer.BadParameter("--card needs one: regulars models PREDICTION --card")
    with friendly() as settings:
        if card and prediction:
            show_card(settings, prediction)
        else:
            show_versions(settings, prediction)


def readiness(
    prediction: Annotated[
        str | None, typer.Argument(metavar="PREDICTION", help="One, with every gate; else all.")
    ] = None,
) -> None:
    """Say for each prediction whether to use the rule, a simple model or ML, and why."""
    from orchestration.readiness import show_readiness

    with friendly() as settings:
        show_readiness(settings, prediction)


def segments(
    approve: Annotated[
        str | None, typer.Option(metavar="GROUP", help="Make a segment of this group, e.g. g2.")
    ] = None,
    name: Annotated[str, typer.Option(help="The segment's name, e.g. weekend_buyers.")] = "",
    by: Annotated[str, typer.Option(help="Who approves it.")] = "",
) -> None:
    """List the groups of customers that were found, or approve one as a segment."""
    from orchestration.proposals import approve_proposal, show_proposals

    if approve is None and (name or by):
        raise typer.BadParameter("Say which group: regulars segments --approve GROUP --name NAME")
    with friendly() as settings:
        if approve is None:
            show_proposals(settings)
        else:
            approve_proposal(settings, approve, name, by)


def rollback(
    prediction: Annotated[str, typer.Argument(metavar="PREDICTION", help="E.g. next_order.")],
    version: Annotated[
        str | None, typer.Argument(metavar="VERSION", help="Else the one before the one in use.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why, for whoever reads it later.")] = "",
    release: Annotated[
        bool, typer.Option("--release", help="Let the newest version score again.")
    ] = False,
) -> None:
    """Have an earlier version of a prediction score, until it is released."""
    from orchestration.versions import release_version, use_version

    if release and version is not None:
        raise typer.BadParameter(
            "--release takes no version: regulars rollback PREDICTION --release"
        )
    with friendly() as settings:
        if release:
            release_version(settings, prediction)
        else:
            use_version(settings, prediction, version, reason)
