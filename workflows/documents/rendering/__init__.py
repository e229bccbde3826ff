"""PDFs of documents, made of their data alone: no models, no database."""
