"""The processes of a server: before the model is loaded, gunicorn's workers, and nginx before them."""
