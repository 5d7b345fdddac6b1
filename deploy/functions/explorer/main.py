"""The handler that Lambda calls: `lambda_explorer.main.handler`.

Environment variables: FEATURES holds the names of the deployed features, separated by commas. AUTHORIZATION
is AWS_IAM, API_KEY or NONE. TRY_IT is yes or no.
"""

import os
from pathlib import Path

from .explorer import Explorer

handler = Explorer(
    Path(__file__).parent,
    [name for name in os.environ["FEATURES"].split(",") if name],
    authorization=os.environ["AUTHORIZATION"],
    region=os.environ["AWS_REGION"],
    try_it=os.environ["TRY_IT"] == "yes",
)
