"""The code of the two Lambda functions that the templates deploy, beside those of the features."""
