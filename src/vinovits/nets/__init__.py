"""The network of Bert-VITS2 in torch: read by `convert` and `train`, never by the runtime."""
