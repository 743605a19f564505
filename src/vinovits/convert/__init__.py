"""From released checkpoints and feature models to folders of OpenVINO graphs; needs torch."""
