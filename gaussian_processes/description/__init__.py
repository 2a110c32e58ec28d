"""What the image says of itself: the parts of AWS requests that follow from the algorithm's declaration."""
