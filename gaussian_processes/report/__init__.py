"""Report: what a training job did, as a page with plots for people and as a document for programs."""
