"""Text in photographs and documents, traditional Chinese."""
