"""The HTTP interface of VOICEVOX and AivisSpeech."""
