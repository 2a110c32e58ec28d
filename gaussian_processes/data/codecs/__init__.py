"""One codec for each content type: bytes to numbers, and answers to bytes."""
