"""The mathematics of training: what is compared with recorded speech, and one optimiser step."""
