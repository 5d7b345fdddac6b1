"""The probe once more under another name, for containers of several features."""
