"""The code of the two small Lambda functions that the templates deploy: the proxy and the explorer."""
