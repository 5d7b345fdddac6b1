"""What Lambda starts: `lambda_proxy.main.handler`, with ENDPOINT_NAME in its environment."""

import os

from .proxy import Proxy, client

handler = Proxy(client(), os.environ["ENDPOINT_NAME"])
