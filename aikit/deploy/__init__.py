"""`aikit deploy`: runs features on AWS, in one CloudFormation stack or at single endpoints.

Each module has the options and the code of one action, or of two that belong together.
"""

import argparse

from .down import add_down
from .invoke import add_invoke
from .status import add_logs, add_status
from .template import add_template
from .up import add_up

_ACTIONS = {
    "up": (add_up, "Deploy features, or change how they run. Features that are not named stay as they are."),
    "down": (add_down, "Remove the named features, or everything, and say what is kept and why."),
    "status": (add_status, "Show what is deployed, in which state it is and at which address it answers."),
    "logs": (add_logs, "Print the last lines of a feature's log."),
    "invoke": (add_invoke, "Send requests to a deployed feature and print the replies."),
    "template": (add_template, "Write the CloudFormation templates and the code of the Lambda functions."),
}


def add_deploy(deploy: argparse.ArgumentParser) -> None:
    """Adds the actions, each with its options."""
    actions = deploy.add_subparsers(metavar="ACTION", required=True)
    for name, (add, text) in _ACTIONS.items():
        add(actions.add_parser(name, help=text, description=text))
