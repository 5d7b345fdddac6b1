"""The handler that Lambda calls: `lambda_proxy.main.handler`.

Environment variable: ENDPOINT_NAME is the name of the endpoint.
"""

import os

from .proxy import Proxy, client

handler = Proxy(client(), os.environ["ENDPOINT_NAME"])
