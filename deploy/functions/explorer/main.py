"""What Lambda starts: `lambda_explorer.main.handler`.

FEATURES: names of what is deployed, comma-separated. AUTHORIZATION: AWS_IAM, API_KEY or NONE. TRY_IT: yes
or no.
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
