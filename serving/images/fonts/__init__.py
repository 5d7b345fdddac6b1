"""The font for the labels of drawings."""
