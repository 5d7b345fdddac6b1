"""Everyday things in photographs: the 80 classes of COCO."""
