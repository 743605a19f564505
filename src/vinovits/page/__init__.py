"""The page for browsers: Gradio's forms, and scripts of our own for what is heard and drawn."""
