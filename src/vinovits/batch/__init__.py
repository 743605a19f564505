"""Long texts and many texts: cut into units, each made once, whatever happens in between."""
