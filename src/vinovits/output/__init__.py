"""What a speech is written as: audio files, WAV streams, timings, a picture."""
