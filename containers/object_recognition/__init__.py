"""The feature object recognition: it finds everyday objects in photographs."""
