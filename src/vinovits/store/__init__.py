"""The model store: what can be had, downloads that survive bad networks, where they lie."""
