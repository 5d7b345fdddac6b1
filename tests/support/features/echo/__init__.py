"""The probe under another name, for containers with several features."""
