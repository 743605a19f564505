"""From recordings to a training set: found, cut, levelled, checked, read and reported."""
