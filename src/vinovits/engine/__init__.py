"""The runtime: numpy and OpenVINO, never torch."""
