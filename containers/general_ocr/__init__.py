"""Text in photographs and documents, simplified Chinese and English first."""
